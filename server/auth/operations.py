"""What the command line does to accounts and keys: in the server, or directly on the folder when it is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, get_args

from server.access.actor import OWNER, ROLES
from server.auth.lan import Encryption, Lan
from server.auth.people import People
from server.errors import Conflict, FieldError, NotFound
from server.records.rotation import rotate
from server.records.service import Records
from server.records.values import raise_for
from server.secrets.wrapped_ring import PUBLIC_KEY_BYTES

OPERATIONS = (
    "user-create", "user-list", "user-reset-password", "token-create", "setup-link", "secrets-phrase",
    "secrets-rotate", "lan-state", "lan-on", "lan-off",
)  # fmt: skip


class Operations:
    """Named operations with JSON parameters and a JSON result."""

    def __init__(self, people: People, records: Records, lan: Lan, address: Callable[[], str]) -> None:
        self._people = people
        self._records = records
        self._lan = lan
        self._address = address

    async def run(self, name: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Run one operation, and tell the audit log. Raises ValidationFailed, Conflict (code `exists`), NotFound."""
        result = await self._run(name, parameters)
        username = parameters.get("username")
        about = username if isinstance(username, str) else None
        await self._records.note("operation", OWNER, about=about, detail=name)
        return result

    async def _run(self, name: str, parameters: dict[str, Any]) -> dict[str, Any]:
        match name:
            case "user-create":
                return await self._user_create(parameters)
            case "user-list":
                return {"users": await self._records_of_people()}
            case "user-reset-password":
                return await self._user_reset_password(parameters)
            case "token-create":
                return await self._token_create(parameters)
            case "setup-link":
                return {"url": self.setup_link()}
            case "secrets-phrase":
                return await self._keep_phrase(parameters)
            case "secrets-rotate":
                return {"values": await rotate(self._records)}
            case "lan-state":
                return await self._lan.state()
            case "lan-on":
                return {"here": await self._lan.switch_on(_encryption(parameters))}
            case "lan-off":
                return {"here": self._lan.switch_off()}
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

    async def _records_of_people(self) -> list[dict[str, Any]]:
        people = await self._people.everybody()
        names = ("id", "username", "display_name", "role", "is_active")
        return [
            {**{name: row[name] for name in names}, "second_factor": self._people.factors.is_in_force(row["id"])}
            for row in people
        ]

    async def _user_reset_password(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Whoever may use the data folder may always come back in: that is what this is for."""
        _texts(parameters, "username", "password")
        person = await self._people.named(parameters["username"])
        user = await self._people.set_password(OWNER, person["id"], parameters["password"])
        factor = self._people.factors.is_in_force(person["id"])
        if factor and parameters.get("remove_second_factor"):
            await self._people.factors.remove(person["id"])
            factor = False
        return {**user, "second_factor": factor}

    async def _token_create(self, parameters: dict[str, Any]) -> dict[str, Any]:
        _texts(parameters, "username")
        return await self._people.create_token(
            parameters["username"],
            name=parameters.get("name") or "command line",
            scopes=parameters.get("scopes"),
            expires_at=parameters.get("expires_at"),
        )

    async def _keep_phrase(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """The phrase itself never comes here: its public half is enough to wrap for it."""
        _texts(parameters, "public_key")
        try:
            public = bytes.fromhex(parameters["public_key"])
        except ValueError:
            public = b""
        if len(public) != PUBLIC_KEY_BYTES:
            raise_for({"public_key": FieldError("wrong_form", f"{PUBLIC_KEY_BYTES} bytes in hex are wanted")})
        return {"since": await asyncio.to_thread(self._records.shelf.vault.keep_phrase, public)}


def _encryption(parameters: dict[str, Any]) -> Encryption:
    encryption: Encryption = parameters.get("encryption", "self-made")
    if encryption not in get_args(Encryption):
        raise_for({"encryption": FieldError("unknown_choice", f"one of {', '.join(get_args(Encryption))}")})
    return encryption


def _texts(parameters: dict[str, Any], *names: str) -> None:
    raise_for(
        {n: FieldError("required", "a value is required") for n in names if not isinstance(parameters.get(n), str)}
    )
