"""The shapes of `sdk.js` beside a plugin, so that an editor completes and checks its pages."""

from __future__ import annotations

from pathlib import Path

from server.plugin_host.manifest import read_manifest
from server.this_computer import resource_dir

TYPES, CONFIG = "sdk.d.ts", "jsconfig.json"
_IMPORTED_AS = "*/ui/sdk.js"
"""A plugin's page names sdk.js by an address of the server, where no file of this computer is."""
_CONFIG = """\
{
  "compilerOptions": {
    "checkJs": true, "noEmit": true, "types": [],
    "target": "es2023", "module": "esnext", "moduleResolution": "bundler", "lib": ["es2023", "dom", "dom.iterable"]
  },
  "include": ["ui/**/*.js", "sdk.d.ts"]
}
"""


def write_page_types(folder: Path) -> list[Path]:
    """Write sdk.d.ts of this version into the plugin's folder, and jsconfig.json where there is none.

    Returns what was written. Raises ManifestError when `folder` is no plugin, OSError when it can't be written to.
    """
    read_manifest(folder)
    shapes = (resource_dir("assets") / "ui" / TYPES).read_text("utf-8")
    written = [folder / TYPES]
    text = f'declare module "{_IMPORTED_AS}" {{\n{shapes}}}\n'
    (folder / TYPES).write_text(text, "utf-8", newline="\n")
    if not (folder / CONFIG).exists():
        (folder / CONFIG).write_text(_CONFIG, "utf-8", newline="\n")
        written.append(folder / CONFIG)
    return written
