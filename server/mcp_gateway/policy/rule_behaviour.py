"""What a rule for tools does beyond being stored: it names one subject, at most one server, and a tool for good."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from server.access.actor import SYSTEM, Actor
from server.db.transaction import Transaction
from server.errors import FieldError, ValidationFailed
from server.mcp_gateway.catalogue.definition import HASHED
from server.mcp_gateway.catalogue.names import SEPARATOR, public_name, server_of
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

    def __init__(
        self,
        records: Records,
        catalogue: ToolCatalogue,
        own_tools: OwnTools,
        own_servers: Callable[[], Collection[str]],
    ) -> None:
        """`own_servers`: the names of servers that are part of this program."""
        self._records = records
        self._catalogue = catalogue
        self._own_tools = own_tools
        self._own_servers = own_servers

    async def prepare(self, actor: Actor, columns: dict[str, Any], *, record_id: int | None) -> Prepared:
        if not columns.keys() & _NAMING:
            return Prepared(columns)
        stored = None if record_id is None else self._records.look_up(SYSTEM, MODEL, "id", record_id)
        return Prepared({**columns, **self._for_good({**(stored or {}), **columns})})

    def _for_good(self, rule: Mapping[str, Any]) -> dict[str, Any]:
        """A tool's own name in place of one that an admin, or we, gave it and that may be another one tomorrow.

        Raises ValidationFailed where a rule for all servers has such a name, and it could be meant for others as well.
        """
        name, server_id, own = rule.get("tool"), rule.get("server_id"), rule.get("own_server")
        if not name or name == ANY_TOOL:
            return {}
        if server_id is not None:
            key = self._key_at(self._records.look_up(SYSTEM, SERVERS, "id", server_id), name)
            return {} if key is None else {"tool": key}
        if own is not None:
            key = self._own_key(own, name)
            return {} if key is None else {"tool": key}
        return self._of_one_server(name)

    def _of_one_server(self, name: str) -> dict[str, Any]:
        """What a rule for all servers becomes by the name of its tool: one of the server that the name begins with."""
        at = server_of(name)
        if at is not None:
            server = self._records.look_up(SYSTEM, SERVERS, "name", at)
            if server is not None and (key := self._key_at(server, name)) is not None:
                return {"server_id": server["id"], "tool": key}
            if server is None and at in self._own_servers():
                return {"own_server": at, "tool": self._own_key(at, name) or name}
        known = [(row["name"], self._catalogue.of(int(row["id"]))) for row in self._records.all_now(SYSTEM, SERVERS)]
        given = [(server, tool.key) for server, tools in known for tool in tools.values() if tool.own_name == name]
        given += [(own, key) for own in self._own_servers() if (key := self._own_key(own, name)) is not None]
        if given and not any(key == name for _, key in given) and not any(name in tools for _, tools in known):
            server, key = given[0]
            raise ValidationFailed.of(
                "tool", "given_name", f"{name} is the name that {key} of {server} was given here; name that server too"
            )
        return {}

    def _key_at(self, server: Mapping[str, Any] | None, name: str) -> str | None:
        known = {} if server is None else self._catalogue.of(int(server["id"]))
        if server is None or name in known:
            return None
        for tool in known.values():
            ours = {tool.own_name, tool.offered_as}
            if name in ours or name in {public_name(server["name"], one) for one in ours}:
                return None if tool.key.startswith(HASHED) else tool.key
        return None

    def _own_key(self, server: str, name: str) -> str | None:
        short = name.removeprefix(f"{server}{SEPARATOR}")
        decided = self._own_tools.of(server)
        found = next((key for key, one in decided.items() if one.alias is not None and one.alias == short), None)
        if found is None or found.startswith(HASHED):
            return None if short == name else short
        return found

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
