"""The page that the window shows while the server starts: how far it is, and the end of the log if it takes long."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>GridBear</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
:root {{ color-scheme: light dark; }}
body {{ margin: 0; min-height: 100vh; display: grid; place-content: center; gap: 12px; padding: 24px;
  box-sizing: border-box; font: 16px/1.5 system-ui, sans-serif; }}
h1 {{ margin: 0; font-size: 1.4rem; }} p {{ margin: 0; max-width: 40rem; }}
pre {{ margin: 0; max-width: min(48rem, 90vw); white-space: pre-wrap; overflow-wrap: anywhere;
  font: 12px/1.5 ui-monospace, monospace; opacity: .75; }}
</style></head><body><main role="status"><h1>{title}</h1><p>{stage}</p>{lines}</main></body></html>"""


def page(title: str, stage: str, lines: Sequence[str] = ()) -> str:
    """The whole page. Nothing in it runs, and what is put in is text."""
    log = f"<pre>{escape(chr(10).join(lines))}</pre>" if lines else ""
    return _PAGE.format(title=escape(title), stage=escape(stage), lines=log)
