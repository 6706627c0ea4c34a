"""What a rule for tools does beyond being stored: it names exactly one subject and at most one server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.db.writer import Transaction
from server.errors import FieldError, ValidationFailed
from server.models.base import WriteVerb
from server.models.mcp_rule import ANY_TOOL
from server.records.behaviour import Behaviour

_COLUMNS = {"role": "role", "group": "group_id", "user": "user_id", "token": "token_id"}


class McpRuleBehaviour(Behaviour):
    """Checks the whole row after every change, inside the change."""

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
