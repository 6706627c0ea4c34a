"""What an admin decides of one tool, as a row: the name that it gets is no other tool's of its server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.access.actor import Actor
from server.db.transaction import Transaction
from server.errors import ValidationFailed
from server.mcp_gateway.catalogue.names import public_name
from server.models.base import WriteVerb
from server.records.behaviour import Behaviour, Prepared

_OTHERS = "SELECT name, offered_as, alias FROM mcp_tools WHERE server_id = :server_id AND id <> :id"
_OTHER_OWN = "SELECT name, alias FROM own_tools WHERE server = :server AND id <> :id"
_SERVER = "SELECT name FROM mcp_servers WHERE id = :server_id"


class _DecisionBehaviour(Behaviour):
    """Checks a new alias inside the change, so that two of them at once can't be the same."""

    async def prepare(self, actor: Actor, columns: dict[str, Any], *, record_id: int | None) -> Prepared:
        emptied = {name: None for name in ("alias", "description") if columns.get(name) == ""}
        return Prepared({**columns, **emptied})


class McpToolBehaviour(_DecisionBehaviour):
    """Of a tool of a configured server."""

    def settle(self, transaction: Transaction, verb: WriteVerb, record_id: int, row: Mapping[str, Any] | None) -> None:
        if row is None or not row["alias"]:
            return
        given = {"server_id": row["server_id"], "id": record_id}
        [server] = transaction.execute(_SERVER, given).fetchone()
        alias = str(row["alias"])
        for name, offered_as, other in transaction.execute(_OTHERS, given).fetchall():
            # A name that was made for a tool stays its own, so that it can always go back to it.
            theirs = {taken for taken in (offered_as, other) if taken}
            if alias in theirs or public_name(server, alias) in {public_name(server, taken) for taken in theirs}:
                raise _taken(name)


class OwnToolBehaviour(_DecisionBehaviour):
    """Of a tool of this program or of a plugin."""

    def settle(self, transaction: Transaction, verb: WriteVerb, record_id: int, row: Mapping[str, Any] | None) -> None:
        if row is None or not row["alias"]:
            return
        server, alias = str(row["server"]), str(row["alias"])
        for name, other in transaction.execute(_OTHER_OWN, {"server": server, "id": record_id}).fetchall():
            theirs = {str(taken) for taken in (name, other) if taken}
            if public_name(server, alias) in {public_name(server, taken) for taken in theirs}:
                raise _taken(name)


def _taken(name: str) -> ValidationFailed:
    return ValidationFailed.of("alias", "taken", f"the tool {name} of this server has this name")
