"""What a rule for tools does beyond being stored: it names one subject, at most one server, and a tool for good."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.access.actor import SYSTEM, Actor
from server.db.writer import Transaction
from server.errors import FieldError, ValidationFailed
from server.mcp_gateway.catalogue.definition import HASHED
from server.mcp_gateway.catalogue.names import public_name
from server.mcp_gateway.catalogue.own_tools import OwnTools
from server.mcp_gateway.catalogue.store import ToolCatalogue
from server.mcp_gateway.policy.tool_policy import MODEL
from server.models.base import WriteVerb
from server.models.mcp_rule import ANY_TOOL
from server.records.behaviour import Behaviour, Prepared
from server.records.service import Records

SERVERS = "mcp_servers"
_NAMING = frozenset(("tool", "server_id", "own_server"))
_COLUMNS = {"role": "role", "group": "group_id", "user": "user_id", "token": "token_id"}


class McpRuleBehaviour(Behaviour):
    """Checks the whole row after every change, inside the change."""

    def __init__(self, records: Records, catalogue: ToolCatalogue, own_tools: OwnTools) -> None:
        self._records = records
        self._catalogue = catalogue
        self._own_tools = own_tools

    async def prepare(self, actor: Actor, columns: dict[str, Any], *, record_id: int | None) -> Prepared:
        if not columns.keys() & _NAMING:
            return Prepared(columns)
        stored = None if record_id is None else self._records.look_up(SYSTEM, MODEL, "id", record_id)
        name = self._for_good({**(stored or {}), **columns})
        return Prepared(columns if name is None else {**columns, "tool": name})

    def _for_good(self, rule: Mapping[str, Any]) -> str | None:
        """A tool's own name in place of one that an admin, or we, gave it and that may be another one tomorrow."""
        name, server_id = rule.get("tool"), rule.get("server_id")
        if not name or name == ANY_TOOL:
            return None
        if server_id is None:
            decided = self._own_tools.of(rule.get("own_server") or "")
            found = next((key for key, one in decided.items() if one.alias == name), None)
            return found if found is not None and not found.startswith(HASHED) else None
        known = self._catalogue.of(server_id)
        server = self._records.look_up(SYSTEM, SERVERS, "id", server_id)
        if name in known or server is None:
            return None
        for tool in known.values():
            ours = {tool.own_name, tool.offered_as}
            if name in ours or name in {public_name(server["name"], one) for one in ours}:
                return None if tool.key.startswith(HASHED) else tool.key
        return None

    def settle(self, transaction: Transaction, verb: WriteVerb, record_id: int, row: Mapping[str, Any] | None) -> None:
        if row is None:
            return
        wanted = _COLUMNS.get(row["subject"])
        errors: dict[str, FieldError] = {}
        for column in _COLUMNS.values():
            if column == wanted and row[column] is None:
                errors[column] = FieldError("required", f"a rule for a {row['subject']} names it")
            elif column != wanted and row[column] is not None:
                errors[column] = FieldError("not_wanted", f"the rule is for {row['subject']}")
        if row["server_id"] is not None and row["own_server"] is not None:
            errors["own_server"] = FieldError("one_of_two", "give one of server_id and own_server")
        if "*" in row["tool"] and row["tool"] != ANY_TOOL:
            errors["tool"] = FieldError("no_pattern", "the whole name of a tool, or * for all")
        if errors:
            text = "; ".join(f"{name}: {error.message}" for name, error in errors.items())
            raise ValidationFailed(text, fields=errors)
