"""Messages of a server as the SDK wants them. Imports the SDK: only when a server is first used."""

from __future__ import annotations

import mcp_types as types
from mcp.shared.message import SessionMessage


def read_message(text: bytes) -> SessionMessage | Exception:
    """The message, or why the text is none: servers print all kinds of things, and the connection lives on."""
    try:
        return SessionMessage(types.jsonrpc_message_adapter.validate_json(text, by_name=False))
    except ValueError as error:
        return error
