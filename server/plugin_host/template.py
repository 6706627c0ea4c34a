"""A new plugin from the template: a folder that works as it is."""

from __future__ import annotations

from pathlib import Path

from server.errors import Conflict
from server.plugin_host.content_hash import plugin_files
from server.plugin_host.load import snake
from server.plugin_host.manifest import check_id
from server.this_computer import resource_dir

FOLDER = "plugin-template"


def new_plugin(plugin_id: str, place: Path) -> Path:
    """Write the folder `place/plugin_id`. Raises ManifestError for a bad id, Conflict when there is such a folder."""
    check_id(plugin_id)
    folder = place / plugin_id
    if folder.exists():
        raise Conflict(f"There is a {folder} already.", code="exists")
    template = resource_dir("assets") / FOLDER
    title = plugin_id.replace("-", " ").capitalize()
    for file in plugin_files(template):
        text = file.read_text("utf-8")
        text = text.replace("my-plugin", plugin_id).replace("my_plugin", snake(plugin_id)).replace("My plugin", title)
        target = folder / file.relative_to(template)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8", newline="\n")
    return folder
