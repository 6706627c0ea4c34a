"""Ends our children's process groups when this process dies without a chance to do it (kill -9, a crash)."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys

# A signal at the parent's death (see `death_signal`) spares grandchildren, and macOS has none. A shell that waits for
# the end of a pipe does both. Of the ways to write a group, dash takes no `kill -9 -- -GROUP`.
_SCRIPT = r"""
groups=' '
while read -r verb group; do
  case $verb in
    +) groups="$groups$group " ;;
    -) case $groups in *" $group "*) groups="${groups%% $group *} ${groups#* $group }" ;; esac ;;
    .) exit 0 ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null || kill -9 "-$group" 2>/dev/null; done
"""


class Guardian:
    """One small shell process for all children, started with the first child. On Windows jobs do it (`windows_job`)."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._groups: set[int] = set()

    def watch(self, group: int) -> None:
        """End the process group `group` if this process dies."""
        if sys.platform == "win32":
            return
        if self._process is None or self._process.poll() is not None:
            if self._process is not None and self._process.stdin is not None:
                with contextlib.suppress(OSError):
                    self._process.stdin.close()
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _SCRIPT],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={"PATH": os.defpath},
                cwd="/",
                start_new_session=True,
            )
            # Another one may have been ended by somebody: it knows of none.
            for known in self._groups:
                self._tell(f"+ {known}\n")
        self._groups.add(group)
        self._tell(f"+ {group}\n")

    def forget(self, group: int) -> None:
        """The group has ended; its number may be given to others."""
        self._groups.discard(group)
        self._tell(f"- {group}\n")

    def stop(self) -> None:
        """End the guardian itself."""
        process, self._process = self._process, None
        if process is None or process.stdin is None:
            return
        with contextlib.suppress(OSError):
            process.stdin.write(b". .\n")
            process.stdin.flush()
        with contextlib.suppress(OSError):
            process.stdin.close()
        try:
            process.wait(0.5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _tell(self, line: str) -> None:
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.write(line.encode())
                self._process.stdin.flush()
