"""Skills of plugins: Markdown for AI clients, served as prompts and resources of the plugin's MCP server."""

from __future__ import annotations

from pathlib import Path

from server.mcp_gateway.gateway import Gateway
from server.mcp_gateway.own_texts import OwnText
from server.plugin_host.contained import in_thread
from server.plugin_host.live import Failed, LivePlugin, failure_of
from server.plugin_host.manifest import Skill

FOLDER = "skills"
MOST_BYTES = 200_000


class PluginSkills:
    """The contribution."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def contribute(self, plugin: LivePlugin) -> None:
        """Offer the skills that the manifest names."""
        if not plugin.manifest.context_skills:
            return
        try:
            plugin.need("mcp_tools", FOLDER)
            texts = await in_thread(
                f"{plugin.id}/{FOLDER}", lambda: [_read(plugin, skill) for skill in plugin.manifest.context_skills]
            )
        except Exception as error:
            raise failure_of(plugin.id, FOLDER, error) from error
        self._gateway.offer_texts(plugin.id, texts)
        plugin.stack.callback(self._gateway.offer_texts, plugin.id, [])


def _read(plugin: LivePlugin, skill: Skill) -> OwnText:
    where = f"{plugin.id}/{FOLDER}/{skill.file}"
    try:
        raw = _within(plugin.folder / FOLDER, skill.file).read_bytes()
        text = raw.decode("utf-8")
    except OSError as error:
        raise Failed(f"{where} can't be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise Failed(f"{where}: not UTF-8 at byte {error.start}") from None
    if not text.strip() or len(raw) > MOST_BYTES:
        raise Failed(f"{where} has {len(raw)} bytes; 1 to {MOST_BYTES} with some text are wanted")
    version = plugin.manifest.version
    return OwnText(plugin.id, skill.name, skill.title or skill.name, skill.description, text, version)


def _within(folder: Path, name: str) -> Path:
    # The manifest says that it is a plain name; a link would still lead anywhere.
    path = folder / name
    if path.is_symlink():
        raise Failed(f"{folder.parent.name}/{FOLDER}/{name} is a link; put the text itself there")
    return path
