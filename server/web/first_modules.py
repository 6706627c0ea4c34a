"""The scripts that a page imports, found in the files: named at once, a browser need not find them one by one."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

# As our scripts write it: a statement begins its line, and what is imported later has no `from`.
_FROM = re.compile(r'^(?:import|export)\b[^;]*?\bfrom "(\.[^"]+)"', re.MULTILINE)


def imported(folder: Path, *names: str) -> list[str]:
    """The scripts and all that they import, in the order in which a browser comes upon them; below `folder`."""
    found = list(names)
    for name in found:
        for path in _FROM.findall((folder / name).read_text("utf-8")):
            script = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
            if script not in found:
                found.append(script)
    return found
