"""What an MCP server record does beyond being stored: its fields must fit together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.db.writer import Transaction
from server.models.base import WriteVerb
from server.models.mcp_server import check_mcp_server
from server.records.behaviour import Behaviour


class McpServerBehaviour(Behaviour):
    """Checks the whole row after every change, inside the change."""

    def settle(self, transaction: Transaction, verb: WriteVerb, record_id: int, row: Mapping[str, Any] | None) -> None:
        if row is not None:
            check_mcp_server(row)
