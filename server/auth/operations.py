"""What the command line does to accounts: the same function runs in the server and, when it is stopped, directly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from server.access.actor import OWNER, ROLES
from server.auth.people import People
from server.errors import Conflict, FieldError, NotFound
from server.records.values import raise_for

OPERATIONS = ("user-create", "token-create", "setup-link")


class Operations:
    """Named operations with JSON parameters and a JSON result."""

    def __init__(self, people: People, address: Callable[[], str]) -> None:
        self._people = people
        self._address = address

    async def run(self, name: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Run one operation. Raises ValidationFailed, Conflict (code `exists`), NotFound."""
        match name:
            case "user-create":
                return await self._user_create(parameters)
            case "token-create":
                return await self._token_create(parameters)
            case "setup-link":
                return {"url": self.setup_link()}
        raise NotFound(f"There is no operation {name!r}.")

    def setup_link(self) -> str:
        """A fresh set-up link. Raises Conflict once there is an admin."""
        if not self._people.needs_setup:
            raise Conflict("GridBear is set up already; there is an admin.", code="already_set_up")
        return f"{self._address()}/auth/setup?token={self._people.setup_tokens.make()}"

    async def _user_create(self, parameters: dict[str, Any]) -> dict[str, Any]:
        _texts(parameters, "username", "password")
        role = parameters.get("role", "member")
        if role not in ROLES:
            raise_for({"role": FieldError("unknown_choice", f"one of {', '.join(ROLES)}")})
        return await self._people.create_user(
            OWNER,
            parameters["username"],
            parameters["password"],
            role=role,
            display_name=parameters.get("display_name"),
        )

    async def _token_create(self, parameters: dict[str, Any]) -> dict[str, Any]:
        _texts(parameters, "username")
        return await self._people.create_token(
            parameters["username"],
            name=parameters.get("name") or "command line",
            scopes=parameters.get("scopes"),
            expires_at=parameters.get("expires_at"),
        )


def _texts(parameters: dict[str, Any], *names: str) -> None:
    raise_for(
        {n: FieldError("required", "a value is required") for n in names if not isinstance(parameters.get(n), str)}
    )
