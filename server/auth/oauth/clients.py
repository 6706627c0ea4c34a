"""The programs that ask for access: what is known of them, and for how long."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from server.access.actor import SYSTEM, Actor
from server.auth.oauth.documents import Documents, is_document_address
from server.auth.oauth.redirects import MOST_REDIRECTS, is_loopback_redirect, redirect_problem
from server.errors import Conflict, FieldError, NotFound, RateLimited, ValidationFailed
from server.limits.token_bucket import TokenBuckets
from server.records.service import Records
from server.records.times import now_text, to_text
from server.records.work import Work

_MODEL = "oauth_clients"
UNCONFIRMED_HOURS = 1.0
MOST_UNCONFIRMED = 200
REGISTRATIONS_AT_ONCE = 10
REGISTRATIONS_PER_HOUR = 10
LOOKS_AT_ONCE = 30
LOOKS_PER_MINUTE = 30
NAME_LENGTH = 100


@dataclass(frozen=True, slots=True)
class KnownClient:
    """A program by its client id. `row_id` is None of a document that nobody has confirmed yet."""

    identifier: str
    name: str
    kind: str
    redirects: list[str]
    row_id: int | None = None

    def is_verified_at(self, redirect: str) -> bool:
        """Whether the address of its document vouches for where it is sent back to.

        Nobody vouches for a name that a program gave itself, nor for what listens on a port of this computer.
        """
        if self.kind != "document" or is_loopback_redirect(redirect):
            return False
        parts = urlsplit(redirect)
        return parts.scheme == "https" and parts.netloc == urlsplit(self.identifier).netloc


class Clients:
    """Clients by their id. One that registered itself and is never let in is forgotten after an hour."""

    def __init__(self, records: Records, documents: Documents, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._records = records
        self._clock = clock
        self._buckets = TokenBuckets()
        self.documents = documents

    def stored(self, identifier: str) -> KnownClient | None:
        """A client that is stored; this asks nobody else."""
        row = self._records.look_up(SYSTEM, _MODEL, "identifier", identifier)
        return None if row is None else _known(row)

    async def look(self, identifier: str, user_id: int) -> KnownClient | None:
        """A client for a person who is asked to let it in. Raises ValidationFailed, RateLimited.

        A document is read where it lies, for signed-in people alone: nobody else makes this server call addresses.
        """
        if not is_document_address(identifier):
            return self.stored(identifier)
        if not self.documents.has(identifier):
            self._take(("look", user_id), LOOKS_PER_MINUTE / 60, LOOKS_AT_ONCE)
        document = await self.documents.read(identifier)
        stored = self.stored(identifier)
        name, redirects = _checked(document, fallback=urlsplit(identifier).netloc)
        return KnownClient(identifier, name, "document", redirects, None if stored is None else stored.row_id)

    async def register(self, identifier: str, metadata: Mapping[str, Any], address: str) -> None:
        """Keep what a client says of itself. Raises ValidationFailed, RateLimited (by address)."""
        self._take(("register", address), REGISTRATIONS_PER_HOUR / 3600, REGISTRATIONS_AT_ONCE)
        name, redirects = _checked(metadata, fallback="")
        await self.expire(at_most=MOST_UNCONFIRMED - 1)
        values = {"name": name, "identifier": identifier, "kind": "registered", "redirects": redirects}
        await self._records.create(SYSTEM, _MODEL, values)

    async def confirm(self, client: KnownClient, actor: Actor, scopes: Sequence[str]) -> int:
        """`actor` let it in: keep it, and tell the audit log. Returns the id of its row. Raises NotFound."""
        row_id = await self._kept(client)
        await self._records.note(
            "app_allowed", actor, about=client.name, detail=f"{' '.join(scopes)}, {client.identifier}"
        )
        return row_id

    async def _kept(self, client: KnownClient) -> int:
        now = now_text()
        values = {"name": client.name, "redirects": client.redirects}
        stored = self._records.look_up(SYSTEM, _MODEL, "identifier", client.identifier)
        if stored is None:
            if client.kind != "document":
                raise NotFound("This app registered too long ago. Connect it again.", code="unknown_client")
            values |= {"identifier": client.identifier, "kind": "document", "confirmed_at": now}
            try:
                return int((await self._records.create(SYSTEM, _MODEL, values))["id"])
            except Conflict:
                # Somebody else may have let it in at the same moment.
                if self.stored(client.identifier) is None:
                    raise
                return await self._kept(client)
        if client.kind == "document" or stored["confirmed_at"] is None:
            values["confirmed_at"] = stored["confirmed_at"] or now
            try:
                await self._records.update(SYSTEM, _MODEL, stored["id"], values)
            except NotFound:
                # Forgotten, or deleted, at the same moment.
                return await self._kept(client)
        return int(stored["id"])

    async def expire(self, *, at_most: int = MOST_UNCONFIRMED) -> None:
        """Forget whoever was not let in for an hour, and the oldest of them when there are more than `at_most`."""
        waiting = await self._records.find(SYSTEM, _MODEL, where={"confirmed_at": None})
        before = to_text(datetime.now(UTC) - timedelta(hours=UNCONFIRMED_HOURS))
        surplus = max(0, len(waiting) - at_most)
        going = [row["id"] for place, row in enumerate(waiting) if place < surplus or row["created_at"] < before]
        if not going:
            return

        def forget(work: Work, _: list[Any]) -> None:
            prepared = work.prepared(_MODEL)
            may = self._records.policy.permission(SYSTEM, prepared.spec, "delete")
            for row_id in going:
                # It may have been let in since it was looked up, or forgotten by another call.
                if not work.is_gone(_MODEL, row_id) and work.stored(prepared, row_id, may)["confirmed_at"] is None:
                    work.delete(_MODEL, row_id, may)

        await self._records.work(SYSTEM, forget, (_MODEL,), always=True)

    def _take(self, key: tuple[str, object], rate: float, burst: int) -> None:
        decision = self._buckets.take(key, rate=rate, burst=burst, now=self._clock())
        if not decision.allowed:
            raise RateLimited("Too many apps ask from there. Wait.", retry_after=decision.retry_after)


def _known(row: Mapping[str, Any]) -> KnownClient:
    return KnownClient(row["identifier"], row["name"], row["kind"], list(row["redirects"]), row["id"])


def _checked(metadata: Mapping[str, Any], *, fallback: str) -> tuple[str, list[str]]:
    """The name and the redirects of a client. Raises ValidationFailed."""
    redirects = metadata.get("redirect_uris")
    if not isinstance(redirects, list) or not redirects or not all(isinstance(uri, str) for uri in redirects):
        raise _refused("redirect_uris", "one or more redirects are wanted")
    if len(redirects) > MOST_REDIRECTS:
        raise _refused("redirect_uris", f"at most {MOST_REDIRECTS} redirects are possible")
    for uri in redirects:
        problem = redirect_problem(uri)
        if problem is not None:
            raise _refused("redirect_uris", problem)
    given = metadata.get("client_name")
    # What the eye does not see in a name is there to deceive it.
    name = "".join(c for c in given if c.isprintable()).strip() if isinstance(given, str) else ""
    return (name[:NAME_LENGTH] or fallback or "An app without a name"), redirects


def _refused(field: str, message: str) -> ValidationFailed:
    return ValidationFailed(f"{field}: {message}", fields={field: FieldError("not_acceptable", message)})
