"""Which AI clients of this computer know GridBear, and which have lost the entry that we wrote."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from server.errors import NotFound, ValidationFailed
from server.mcp_gateway.clients.config_file import Change, change_of, entry_of
from server.mcp_gateway.clients.known_clients import CLIENTS, KnownClient, config_path, is_running

MEMORY = "connected-clients.json"


class Connections:
    """Of one data folder. The files are those of this system's user; no path comes from outside."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._memory = data_dir / MEMORY

    def listed(self) -> list[dict[str, Any]]:
        """Every known client and its state."""
        remembered = self._remembered()
        found = []
        for known in CLIENTS.values():
            path = path_of(known)
            problem = None
            try:
                connected = entry_of(known, path) is not None
            except ValidationFailed as error:
                connected, problem = False, error.message
            lost = known.id in remembered and not connected and problem is None
            found.append({"client": known.id, "label": known.label, "path": str(path), "exists": path.exists(),
                          "connected": connected, "lost": lost, "problem": problem})  # fmt: skip
        return found

    def planned(self, client: str, *, remove: bool) -> Change:
        """What would be changed in the client's file. Raises NotFound, ValidationFailed."""
        known = known_client(client)
        return change_of(known, path_of(known), None if remove else entry_for(known, self._data_dir))

    def apply(self, client: str, *, remove: bool, dry_run: bool = False) -> dict[str, Any]:
        """Connect a client or take our entry out again; what was done, and the client's copy of before."""
        change = self.planned(client, remove=remove)
        kept = None
        if not dry_run:
            kept = change.write() if change.is_needed else None
            self._remember(client, connected=not remove)
        return {
            "client": client,
            "path": str(change.path),
            "changed": change.is_needed and not dry_run,
            "diff": change.diff(),
            "copy": None if kept is None else str(kept),
            "running": is_running(known_client(client)),
        }

    def _remembered(self) -> set[str]:
        try:
            return {str(name) for name in json.loads(self._memory.read_text("utf-8"))}
        except (OSError, ValueError, TypeError):
            return set()

    def _remember(self, client: str, *, connected: bool) -> None:
        names = self._remembered()
        names = names | {client} if connected else names - {client}
        if not self._data_dir.is_dir():
            return
        draft = self._memory.with_suffix(".part")
        draft.write_text(json.dumps(sorted(names)), "utf-8")
        draft.replace(self._memory)


def known_client(client: str) -> KnownClient:
    """The client called so. Raises NotFound."""
    known = CLIENTS.get(client)
    if known is None:
        raise NotFound(f"There is no client {client!r}; known are {', '.join(CLIENTS)}.")
    return known


def path_of(client: KnownClient) -> Path:
    """Where the client's file lies for this system's user."""
    return config_path(client.id, sys.platform, os.environ, Path.home())


def entry_for(client: KnownClient, data_dir: Path) -> dict[str, Any]:
    """The entry that starts the bridge to the server of `data_dir`. It holds no secret."""
    script = Path(sys.executable).parent / ("gridbear.exe" if sys.platform == "win32" else "gridbear")
    from_source = [str(script)] if script.exists() else [sys.executable, "-m", "gridbear_desktop"]
    words = [sys.executable] if getattr(sys, "frozen", False) else from_source
    entry: dict[str, Any] = {"type": "stdio"} if client.typed else {}
    return {**entry, "command": words[0], "args": [*words[1:], "mcp", "--data-dir", str(data_dir)]}
