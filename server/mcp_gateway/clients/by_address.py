"""Entries of clients that reach the gateway by its address: with their own sign-in, or with a token made for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from server.data_folder import DataFolder
from server.errors import NotFound, ValidationFailed
from server.mcp_gateway.clients.known_clients import KnownClient


def address_of(data_dir: Path) -> str:
    """The gateway's address of the server that runs on `data_dir`. Raises NotFound when none does."""
    try:
        info = json.loads((DataFolder(data_dir).run / "server.json").read_text("utf-8"))
        return f"{info['url']}/mcp"
    except (OSError, ValueError, KeyError, TypeError):
        raise NotFound("GridBear is not running, so its address is not known. Start it first.") from None


def entry_by_address(client: KnownClient, address: str, token: str | None) -> dict[str, Any]:
    """The entry. Raises ValidationFailed for a client that can't have an address."""
    if client.address_key is None:
        raise ValidationFailed(
            f"{client.label} does not start with an address of this computer in its file: connect it without --by-url,"
            " or with --bundle.",
            code="no_address",
        )
    entry: dict[str, Any] = {"type": "http"} if client.typed else {}
    entry[client.address_key] = address
    if token is not None:
        entry[client.headers_key] = {"Authorization": f"Bearer {token}"}
    return entry
