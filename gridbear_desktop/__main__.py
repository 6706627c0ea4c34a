"""`python -m gridbear_desktop` is the same as `gridbear`."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    # `-m` looks into the current folder first: a project's own `server` would be run in place of ours.
    if not sys.flags.safe_path and Path(sys.path[0]).resolve() != Path(__file__).resolve().parents[1]:
        del sys.path[0]
    from gridbear_desktop.cli import main  # found by the path as it is now

    raise SystemExit(main())
