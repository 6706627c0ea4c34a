"""Linux ends a child by itself when the process that started it dies, if the child asks for it."""

from __future__ import annotations

import functools
import shutil
import subprocess
import sys

_PROBE_SECONDS = 2.0


@functools.cache
def dies_with_us() -> tuple[str, ...]:
    """What to write before a command so that it gets SIGKILL when our thread that started it ends; may be nothing.

    Asking for it in the child itself would be code between fork and exec, which is unsafe with threads. util-linux's
    `setpriv` does it in a process of its own, which then becomes the command.
    """
    setpriv = shutil.which("setpriv", path="/usr/bin:/bin:/usr/local/bin") if sys.platform == "linux" else None
    if setpriv is None:
        return ()
    prefix = (setpriv, "--pdeathsig", "KILL", "--")
    try:
        # Other implementations of the same name know no such option.
        done = subprocess.run([*prefix, "true"], capture_output=True, timeout=_PROBE_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return prefix if done.returncode == 0 else ()
