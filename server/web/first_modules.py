"""The scripts that a page imports, found in the files: named at once, a browser need not find them one by one."""

from __future__ import annotations

import re
from pathlib import Path

# As our scripts write it: a statement begins its line, and what is imported later has no `from`.
_FROM = re.compile(r'^(?:import|export)\b[^;]*?\bfrom "(\.[^"]+)"', re.MULTILINE)


def imported(folder: Path, *names: str) -> list[str]:
    """The scripts and all that they import, in the order in which a browser comes upon them; below `folder`."""
    root = folder.resolve()
    found = [root / name for name in names]
    for script in found:
        for name in _FROM.findall(script.read_text("utf-8")):
            if (path := (script.parent / name).resolve()) not in found:
                found.append(path)
    return [path.relative_to(root).as_posix() for path in found]
