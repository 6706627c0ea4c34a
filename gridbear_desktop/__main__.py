"""`python -m gridbear_desktop` is the same as `gridbear`."""

from __future__ import annotations

from gridbear_desktop.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
