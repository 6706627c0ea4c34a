"""Import of MCP servers: a preview that changes nothing, and the same again for real. Nothing is started by it."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from server.access.actor import SYSTEM, Actor
from server.errors import Conflict, FieldError, ValidationFailed
from server.mcp_gateway.importing.draft import Draft, drafted, existing_identities, identity, with_secrets
from server.mcp_gateway.importing.names import secret_name, server_name
from server.mcp_gateway.importing.placeholders import Filler
from server.mcp_gateway.importing.reading import Reading, read_servers
from server.mcp_gateway.importing.understanding import NotUsable
from server.mcp_gateway.importing.versions import Registries, fetched_version
from server.mcp_gateway.upstreams.programs import Programs
from server.models.mcp_server import NAME_PATTERN, check_mcp_server
from server.records.planning import Planned, plan_create
from server.records.service import Records

SERVERS, SECRETS = "mcp_servers", "secrets"
_LEFT_OUT: dict[str, Any] = {"command": None, "args": [], "env": None, "cwd": None, "url": None, "headers": None}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the person wants: `names` by key choose the servers (all that are ready without it), `values` by key fill
    placeholders, `look_up` asks npm and uv for versions that no cache tells."""

    names: Mapping[str, str] | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    look_up: bool = False
    enabled: bool = True
    origin: str = ""


class ServerImport:
    """Reads texts and makes records. `actor` is an admin everywhere here: the routes see to that."""

    def __init__(
        self,
        records: Records,
        own_names: Callable[[], Iterable[str]] = lambda: (),
        *,
        home: Path | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._records = records
        self._own_names = own_names
        self._home = home
        self._environ = os.environ if environ is None else environ
        self._registries = Registries(Programs(environ))

    async def preview(self, actor: Actor, text: str, wishes: Wishes) -> list[Draft]:
        """What `text` holds, and what would become of it. Raises ValidationFailed when it can't be read."""
        reading = await asyncio.to_thread(read_servers, text)
        return await self._planned(actor, reading, wishes)

    async def run(self, actor: Actor, text: str, wishes: Wishes) -> tuple[list[Draft], dict[str, int]]:
        """Make the chosen servers and their secrets, all or none. The drafts, and the id of each new server by key."""
        drafts = await self.preview(actor, text, wishes)
        return drafts, await self.make(actor, _chosen(drafts, wishes.names), wishes.origin)

    async def make(self, actor: Actor, drafts: list[Draft], origin: str) -> dict[str, int]:
        """Make servers and their secrets, all or none. The id of each server by the key of its draft.

        `origin` is told in the secrets' descriptions. Raises ValidationFailed, Conflict.
        """
        planned: list[Planned] = []
        servers: dict[int, str] = {}
        shelf, own_names = self._records.shelf, set(self._own_names())
        for draft in drafts:
            if draft.name in own_names:
                raise Conflict(f"There is an MCP server named {draft.name} already.", code="name_taken")
            planned += [await plan_create(shelf, actor, SECRETS, row) for row in _secret_rows(draft, origin)]
            servers[len(planned)] = draft.entry.key
            planned.append(await plan_create(shelf, actor, SERVERS, draft.values()))
        results = await self._records.run_planned(actor, planned) if planned else []
        return {key: results[place].record_id for place, key in servers.items()}

    @property
    def home(self) -> Path:
        """The home of whoever runs this server."""
        return self._home or Path.home()

    async def existing(self, actor: Actor) -> Callable[[str, str, tuple[str, ...], str], str]:
        """Tells which configured server is started or reached like the one asked about; empty where none is."""
        there = existing_identities([*await self._records.find(actor, SERVERS)])
        return lambda transport, command, args, url: there.get(identity(transport, command, args, url), "")

    def free_name(self, wanted: str) -> str:
        """A free name of a server like `wanted`."""
        return server_name(wanted, self._server_names())

    def secret_namer(self, server: str) -> Callable[[str], str]:
        """Gives each variable of a server a free name in the vault."""
        return _namer(server, self._secret_names())

    def _server_names(self) -> set[str]:
        return {str(row["name"]) for row in self._records.all_now(SYSTEM, SERVERS)} | set(self._own_names())

    def _secret_names(self) -> set[str]:
        return {str(row["name"]) for row in self._records.all_now(SYSTEM, SECRETS)}

    async def _planned(self, actor: Actor, reading: Reading, wishes: Wishes) -> list[Draft]:
        there = existing_identities([*await self._records.find(actor, SERVERS)])
        names, secrets = self._server_names(), self._secret_names()
        fillers = [Filler(wishes.values, reading.inputs, self.home) for _ in reading.entries]
        drafts = [drafted(entry, filler) for entry, filler in zip(reading.entries, fillers, strict=True)]
        await self._pin(drafts, look_up=wishes.look_up)
        _name(drafts, names, wishes.names or {})
        for draft, filler in zip(drafts, fillers, strict=True):
            if draft.problem or draft.is_own:
                continue
            filler.missing.clear()
            try:
                with_secrets(draft, filler, _namer(draft.name, secrets))
            except NotUsable as error:
                draft.problem = str(error.args[0])
                continue
            draft.needs = filler.missing
            draft.enabled = draft.enabled and wishes.enabled
            same = identity(draft.transport, draft.command, draft.args, draft.url)
            draft.same_as = there.get(same, "")
            there.setdefault(same, draft.name)
            await self._check(actor, draft, wishes.origin)
        return drafts

    async def _pin(self, drafts: list[Draft], *, look_up: bool) -> None:
        open_ = [draft for draft in drafts if draft.package is not None and draft.package.may_be_pinned]
        for draft in open_:
            assert draft.package is not None
            version = await asyncio.to_thread(fetched_version, draft.package, self.home, self._environ)
            if version is not None:
                draft.pin(version, "cache")
        if not look_up:
            return
        packages = [draft.package for draft in open_ if draft.package is not None]
        newest = await self._registries.newest(packages)
        for draft in open_:
            package = draft.package
            if package is not None and package.may_be_pinned and (package.registry, package.name) in newest:
                draft.pin(newest[package.registry, package.name], "registry")

    async def _check(self, actor: Actor, draft: Draft, origin: str) -> None:
        """Whether the records would be taken as they are, apart from names that somebody takes meanwhile."""
        try:
            for values in _secret_rows(draft, origin):
                await plan_create(self._records.shelf, actor, SECRETS, values)
            await plan_create(self._records.shelf, actor, SERVERS, draft.values())
            check_mcp_server({**_LEFT_OUT, **draft.values()})
        except ValidationFailed as error:
            draft.problem = error.message


def _namer(server: str, taken: set[str]) -> Callable[[str], str]:
    """Gives each variable a name that is not `taken`, and takes it."""

    def named(variable: str) -> str:
        name = secret_name(server, variable, taken)
        taken.add(name)
        return name

    return named


def _name(drafts: list[Draft], taken: set[str], wanted: Mapping[str, str]) -> None:
    """Give each draft its name: the chosen one, else a free one like that in the file."""
    used = taken | {wanted[draft.entry.key] for draft in drafts if draft.entry.key in wanted}
    for draft in drafts:
        chosen = wanted.get(draft.entry.key)
        draft.name = chosen or server_name(draft.entry.name or _of_package(draft), used)
        if chosen in taken and not draft.problem:
            draft.problem = f"there is an MCP server named {chosen} already"
        if not draft.problem and not draft.is_own:
            used.add(draft.name)


def _of_package(draft: Draft) -> str:
    """A name for an entry without one: `@scope/server-time` is `server-time`."""
    package = draft.package.name if draft.package is not None else ""
    return (package or re.sub(r"\.\w+$", "", draft.command)).rstrip("/").rpartition("/")[2]


def _chosen(drafts: list[Draft], names: Mapping[str, str] | None) -> list[Draft]:
    """The drafts to make. Raises ValidationFailed naming each one that can't be."""
    if names is None:
        return [draft for draft in drafts if draft.status == "ready"]
    by_key = {draft.entry.key: draft for draft in drafts}
    errors: dict[str, FieldError] = {}
    for key, name in names.items():
        draft = by_key.get(key)
        if draft is None:
            errors[key] = FieldError("unknown", "there is no such server in the text")
        elif draft.is_own:
            errors[key] = FieldError("own", "it is GridBear itself")
        elif draft.problem:
            errors[key] = FieldError("invalid", draft.problem)
        elif re.fullmatch(NAME_PATTERN, name) is None:
            errors[key] = FieldError("wrong_form", f"{name!r} can't be the name of a server")
    doubled = {name for name in names.values() if list(names.values()).count(name) > 1}
    errors |= {key: FieldError("unique", f"{name} twice") for key, name in names.items() if name in doubled}
    if errors:
        text = "; ".join(f"{key[:60]}: {error.message}" for key, error in errors.items())
        raise ValidationFailed(f"Nothing was imported. {text}", fields=errors)
    return [by_key[key] for key in names]


def _secret_rows(draft: Draft, origin: str) -> list[dict[str, Any]]:
    told = f", from {origin}" if origin else ""
    return [
        {"name": one.name, "value": one.value, "description": f"{one.variable} of the MCP server {draft.name}{told}."}
        for one in draft.secrets
    ]
