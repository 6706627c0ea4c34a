"""What an MCP server record does beyond being stored: its fields must fit together, and fit whose it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.access.actor import Actor
from server.config import SettingsHolder
from server.db.transaction import Transaction
from server.errors import Conflict, FieldError, ValidationFailed
from server.mcp_gateway.plugin_servers import PluginServers
from server.mcp_gateway.policy.own_servers import name_problem, own_server_problems
from server.models.base import WriteVerb
from server.models.mcp_server import OWN_SERVER_NAME, check_mcp_server, count_own_servers_sql
from server.records.behaviour import Behaviour, Prepared


class McpServerBehaviour(Behaviour):
    """Checks the whole row after every change, inside the change.

    A server is its maker's own unless an admin makes it. Who is no admin reaches only their own, and these are remote
    ones whoever changes them and by whatever door.
    """

    def __init__(self, settings: SettingsHolder, of_plugins: PluginServers | None = None) -> None:
        """`of_plugins`: those that plugins which run decide about."""
        self._settings = settings
        self._of_plugins = of_plugins
        self._count = count_own_servers_sql()

    async def prepare(self, actor: Actor, columns: dict[str, Any], *, record_id: int | None) -> Prepared:
        if actor.is_admin:
            return Prepared(columns)
        person, name = actor.user_id or 0, columns.get("name")
        # Before it is looked for among all names: nobody learns which others there are.
        if name is not None and (problem := name_problem(name, person)) is not None:
            raise ValidationFailed(f"name: {problem.message}", fields={"name": problem})
        return Prepared(columns if record_id is not None else {**columns, "person_id": person})

    def settle(self, transaction: Transaction, verb: WriteVerb, record_id: int, row: Mapping[str, Any] | None) -> None:
        if self._of_plugins is not None:
            self._of_plugins.check(verb, record_id, row)
        if row is None:
            return
        check_mcp_server(row)
        settings = self._settings.current
        if row["person_id"] is None:
            if OWN_SERVER_NAME.match(row["name"]):
                reason = "names of this form are for the own servers of people"
                raise ValidationFailed(f"name: {reason}", fields={"name": FieldError("reserved", reason)})
            return
        if errors := own_server_problems(row, settings):
            text = "; ".join(f"{name}: {error.message}" for name, error in errors.items())
            raise ValidationFailed(text, fields=errors)
        most = settings.mcp_own_servers_per_person
        [count] = transaction.execute(self._count, {"person_id": row["person_id"]}).fetchone()
        if verb == "create" and count > most:
            raise Conflict(
                f"You have {most} MCP servers of your own, as many as may be (mcp_own_servers_per_person).",
                code="too_many_own_servers",
            )
