"""The AI clients we know: where each keeps its MCP servers, and in which form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Literal


@dataclass(frozen=True, slots=True)
class KnownClient:
    """One client. `key` holds its servers by name; `comments`: its JSON may have comments and trailing commas."""

    id: str
    label: str
    form: Literal["json", "toml"]
    key: str
    comments: bool
    processes: tuple[str, ...]
    typed: bool = False
    """Whether an entry names its transport."""
    address_key: str | None = "url"
    """Where an entry has an address. None: a file with an address keeps the client from starting."""
    headers_key: str = "headers"
    signs_in: bool = True
    """Whether it signs in by itself (OAuth) when an address wants that, so that its entry needs no token."""


CLIENTS = {
    client.id: client
    for client in (
        KnownClient("claude-desktop", "Claude Desktop", "json", "mcpServers", False,
                    ("claude", "claude desktop", "claude-desktop"), address_key=None),
        KnownClient("claude-code", "Claude Code", "json", "mcpServers", False, ("claude",), typed=True),
        KnownClient("cursor", "Cursor", "json", "mcpServers", True, ("cursor",)),
        KnownClient("vscode", "VS Code", "json", "servers", True, ("code", "visual studio code"), typed=True),
        KnownClient("codex", "Codex", "toml", "mcp_servers", True, ("codex",), headers_key="http_headers",
                    signs_in=False),
        KnownClient("gemini", "Gemini CLI", "json", "mcpServers", True, ("gemini",), address_key="httpUrl"),
    )
}  # fmt: skip


def config_path(client: str, platform: str, env: Mapping[str, str], home: Path) -> Path:
    """Where `client` keeps its servers. platform: as `sys.platform`."""
    match client:
        case "claude-desktop":
            return _claude_folder(platform, env, home) / "claude_desktop_config.json"
        case "vscode":
            return _application_data(platform, env, home) / "Code" / "User" / "mcp.json"
        case "claude-code":
            return Path(env.get("CLAUDE_CONFIG_DIR") or home) / ".claude.json"
        case "codex":
            return Path(env.get("CODEX_HOME") or home / ".codex") / "config.toml"
        case "cursor":
            return home / ".cursor" / "mcp.json"
        case "gemini":
            return home / ".gemini" / "settings.json"
    raise KeyError(client)


def _claude_folder(platform: str, env: Mapping[str, str], home: Path) -> Path:
    if platform == "win32":
        # As a Windows package, which it has been since 2026, it sees a folder of its own in place of APPDATA's.
        packages = Path(env.get("LOCALAPPDATA") or home / "AppData" / "Local") / "Packages"
        found = [one for one in packages.glob("Claude_*/LocalCache/Roaming/Claude") if one.is_dir()]
        if found:
            return max(found, key=lambda one: ((one / "claude_desktop_config.json").is_file(), one.stat().st_mtime))
    return _application_data(platform, env, home) / "Claude"


def _application_data(platform: str, env: Mapping[str, str], home: Path) -> Path:
    if platform == "win32":
        return Path(env.get("APPDATA") or home / "AppData" / "Roaming")
    if platform == "darwin":
        return home / "Library" / "Application Support"
    return Path(env.get("XDG_CONFIG_HOME") or home / ".config")


def is_running(client: KnownClient) -> bool:
    """Whether a program of this client runs now: it may write its own idea of the file over ours."""
    import psutil  # only this question needs it

    names = {PurePath(process.info["name"] or "").stem.lower() for process in psutil.process_iter(["name"])}
    return not names.isdisjoint(client.processes)
