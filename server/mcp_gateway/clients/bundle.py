"""A `.mcpb` for Claude Desktop, made on the spot: it starts the bridge of this installation by its whole path."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from server import __version__
from server.mcp_gateway.clients.connections import entry_for
from server.mcp_gateway.clients.known_clients import CLIENTS
from server.this_computer import resource_dir

FILE_NAME = "gridbear.mcpb"
MANIFEST_VERSION = "0.3"
_ENTRY_POINT, _ICON = "server/README.txt", "icon.png"
_SAME_TIME = (1980, 1, 1, 0, 0, 0)
"""Of every file inside, so that the same installation always gives the same bundle."""


def bundle(data_dir: Path) -> bytes:
    """The bundle for the server of `data_dir`, a zip. It holds no secret: the bridge signs in by the data folder."""
    manifest = manifest_for(data_dir)
    words = manifest["server"]["mcp_config"]
    files = {
        "manifest.json": json.dumps(manifest, indent=2, ensure_ascii=False).encode() + b"\n",
        _ENTRY_POINT: _told([words["command"], *words["args"]]).encode(),
        _ICON: (resource_dir("assets") / "icons" / "window.png").read_bytes(),
    }
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, _SAME_TIME), data, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def manifest_for(data_dir: Path) -> dict[str, Any]:
    """Its manifest, as the specification of MCP bundles has it."""
    entry = entry_for(CLIENTS["claude-desktop"], data_dir)
    return {
        "manifest_version": MANIFEST_VERSION,
        "name": "gridbear",
        "display_name": "GridBear",
        "version": __version__,
        "description": "The tools of all MCP servers in GridBear, and your own records.",
        "author": {"name": "GridBear"},
        "icon": _ICON,
        # Nothing to install: the program is on this computer already.
        "server": {
            "type": "binary",
            "entry_point": _ENTRY_POINT,
            "mcp_config": {"command": entry["command"], "args": entry["args"], "env": {}},
        },
        "tools_generated": True,
        "prompts_generated": True,
    }


def _told(words: list[str]) -> str:
    return (
        "This bundle starts the GridBear of the computer that it was made on:\n\n"
        f"    {' '.join(words)}\n\n"
        "When GridBear or its data folder has moved, make a new one: gridbear connect claude-desktop --bundle FILE\n"
    )
