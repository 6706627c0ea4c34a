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
from server.this_computer import is_bundle

MEMORY = "connected-clients.json"


class Connections:
    """Of one data folder. The files are those of this system's user; no path comes from outside."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self._memory = data_dir / MEMORY

    def listed(self) -> list[dict[str, Any]]:
        """Every known client and its state."""
        remembered = self._remembered()
        found = []
        for known in CLIENTS.values():
            path = path_of(known)
            problem = None
            try:
                connected = _works(entry_of(known, path))
            except ValidationFailed as error:
                connected, problem = False, error.message
            lost = known.id in remembered and not connected and problem is None
            # What can't be read may well be there.
            exists = problem is not None or path.exists()
            found.append({"client": known.id, "label": known.label, "path": str(path), "exists": exists,
                          "connected": connected, "lost": lost, "problem": problem})  # fmt: skip
        return found

    def planned(self, client: str, *, remove: bool, entry: dict[str, Any] | None = None) -> Change:
        """What would be changed in the client's file. Raises NotFound, ValidationFailed."""
        known = known_client(client)
        return change_of(known, path_of(known), None if remove else entry or entry_for(known, self.data_dir))

    def apply(
        self,
        client: str,
        *,
        remove: bool,
        dry_run: bool = False,
        entry: dict[str, Any] | None = None,
        token_id: int | None = None,
    ) -> dict[str, Any]:
        """Connect a client or take our entry out again; what was done, and the client's copy of before.

        `entry` takes the place of the one that starts the bridge; `token_id` is the API token in it.
        """
        change = self.planned(client, remove=remove, entry=entry)
        kept = None
        if not dry_run:
            kept = change.write() if change.is_needed else None
            self._remember(client, connected=not remove, token_id=token_id)
        return {
            "client": client,
            "path": str(change.path),
            "changed": change.is_needed and not dry_run,
            "diff": change.diff(),
            "copy": None if kept is None else str(kept),
            "running": is_running(known_client(client)),
        }

    def token_of(self, client: str) -> int | None:
        """The API token that was made for a client's entry."""
        return self._remembered().get(client)

    def _remembered(self) -> dict[str, int | None]:
        """The connected clients, each with the id of its token."""
        try:
            found = json.loads(self._memory.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        # Before there were tokens it was a list of names.
        if isinstance(found, list):
            found = {one: None for one in found if isinstance(one, str)}
        pairs = found.items() if isinstance(found, dict) else ()
        return {name: token if isinstance(token, int) else None for name, token in pairs}

    def _remember(self, client: str, *, connected: bool, token_id: int | None) -> None:
        clients = self._remembered()
        clients.pop(client, None)
        if connected:
            clients[client] = token_id
        if not self.data_dir.is_dir():
            return
        draft = self._memory.with_suffix(".part")
        draft.write_text(json.dumps(dict(sorted(clients.items()))), "utf-8")
        draft.replace(self._memory)


def _works(entry: dict[str, Any] | None) -> bool:
    """Whether an entry may do its work: a program that has moved away is no better than none."""
    command = None if entry is None else entry.get("command")
    return entry is not None and not (
        isinstance(command, str) and os.path.isabs(command) and not os.path.exists(command)
    )


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
    words = [sys.executable] if is_bundle() else from_source
    entry: dict[str, Any] = {"type": "stdio"} if client.typed else {}
    return {**entry, "command": words[0], "args": [*words[1:], "mcp", "--data-dir", str(data_dir)]}
