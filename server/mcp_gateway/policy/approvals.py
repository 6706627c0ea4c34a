"""Approvals of calls: a program's call waits here until its person has decided. Decisions are records."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import orjson

from server.access.actor import SYSTEM, Actor
from server.config import SettingsHolder
from server.errors import Conflict, Forbidden, NotFound, ValidationFailed
from server.mcp_gateway.activity.excerpt import excerpt
from server.mcp_gateway.activity.redaction import Redactor
from server.mcp_gateway.failures import approval_denied, approval_needed, too_many_wait
from server.mcp_gateway.policy.asked_call import AskedCall
from server.records.service import Records
from server.records.times import from_text, to_text

MODEL = "mcp_approvals"
Lasts = Literal["once", "while", "always"]
_EXCERPT_BYTES = 4096
_KEPT_DAYS = 30
_PROGRAM = "gridbear mcp"


class Approvals:
    """All methods run on the event loop; one decision at a time, so that what is for one call serves one."""

    def __init__(
        self,
        records: Records,
        settings: SettingsHolder,
        redactor: Callable[[], Awaitable[Redactor]],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._records = records
        self._settings = settings
        self._redactor = redactor
        self._clock = clock
        self._lock = asyncio.Lock()

    async def require(self, call: AskedCall, *, use: bool = True) -> int:
        """Return when the call is approved. What is for a single call is used up, unless not to `use` it: its id.

        0: nothing was used up.

        Raises CallFailed: it waits (its person is told the first time), was refused, or too many wait.
        """
        async with self._lock:
            rows = await self._in_force(call)
            for row in rows:
                if row["status"] == "denied" and await self._is_meant(row, call):
                    raise approval_denied(call.tool.public_name, row["id"], row["decided_by"])
            for row in sorted(rows, key=lambda row: row["lasts"] == "once"):
                if row["status"] == "approved" and await self._is_meant(row, call):
                    if row["lasts"] != "once" or not use:
                        return 0
                    # One that is taken back in this moment was never given.
                    with contextlib.suppress(NotFound):
                        await self._set(row["id"], status="used")
                        return int(row["id"])
            waiting = [row for row in rows if row["status"] == "pending" and await self._is_meant(row, call)]
            row = waiting[0] if waiting else await self._ask(call)
            raise approval_needed(call.tool.public_name, row["id"], call.actor.username, row["expires_at"])

    async def give_back(self, approval_id: int) -> None:
        """The call that used it up is not over: it goes on with another request, or was not made."""
        async with self._lock:
            with contextlib.suppress(NotFound):
                if (await self._records.get(SYSTEM, MODEL, approval_id))["status"] == "used":
                    await self._set(approval_id, status="approved")

    async def decide(
        self, actor: Actor, approval_id: int, *, approve: bool, lasts: Lasts = "once", minutes: int | None = None
    ) -> dict[str, Any]:
        """What the person, or an admin, says to a waiting call; or what they say now of one that was decided.

        Raises Forbidden for everybody but people with a session, NotFound, Conflict (it is over), ValidationFailed.
        """
        if actor.kind != "user":
            raise Forbidden(
                "Calls are approved by people who are signed in, not with a token: nobody approves their own calls.",
                code="session_required",
            )
        if minutes is not None and lasts != "while":
            raise ValidationFailed.of("minutes", "not_wanted", "it goes with `while`")
        async with self._lock:
            row = await self._row(actor, approval_id)
            now = self._clock()
            if row["status"] in ("used", "ended") or (row["expires_at"] and from_text(row["expires_at"]) <= now):
                raise Conflict("It is over: nothing can be decided about this call any more.", code="approval_over")
            settings = self._settings.current
            until: str | None = None
            if lasts == "once":
                until = to_text(now + timedelta(minutes=settings.mcp_approval_wait_minutes))
            elif lasts == "while":
                until = to_text(now + timedelta(minutes=minutes or settings.mcp_approval_minutes))
            status = "approved" if approve else "denied"
            decided = {"decided_at": to_text(now), "decided_by": actor.username}
            found = await self._set(approval_id, status=status, lasts=lasts, expires_at=until, **decided)
        about = f"{row['server']}: {row['tool']}"
        await self._records.note(
            f"call_{status}",
            actor,
            model=MODEL,
            record_id=approval_id,
            about=about,
            detail=f"{lasts}, {row['asked_by']}",
        )
        return found

    async def expire(self) -> int:
        """Forget what nobody can use any more, after a while. Returns how many went."""
        now = self._clock()
        before = to_text(now - timedelta(days=_KEPT_DAYS))
        over = await self._records.find(
            SYSTEM, MODEL, where={"status__in": ["used", "ended"], "updated_at__lt": before}
        )
        over += await self._records.find(SYSTEM, MODEL, where={"expires_at__lt": before})
        gone = {row["id"] for row in over}
        for approval_id in gone:
            await self._records.delete(SYSTEM, MODEL, approval_id)
        return len(gone)

    # Parts

    async def _row(self, actor: Actor, approval_id: int) -> dict[str, Any]:
        absent = NotFound(f"There is no call {approval_id} to approve.")
        try:
            row = await self._records.get(SYSTEM, MODEL, approval_id)
        except NotFound:
            raise absent from None
        if not actor.is_admin and row["owner_id"] != actor.user_id:
            raise absent
        return row

    async def _in_force(self, call: AskedCall) -> list[dict[str, Any]]:
        """The rows that may be about the call. One of a tool that has changed since ends here."""
        where = {
            **call.asks,
            "status__in": ["pending", "approved", "denied"],
        }
        now, found = self._clock(), []
        for row in await self._records.find(SYSTEM, MODEL, where=where, sort="-id"):
            if row["expires_at"] is not None and from_text(row["expires_at"]) <= now:
                continue
            if row["definition_hash"] != call.definition_hash:
                with contextlib.suppress(NotFound):
                    await self._set(row["id"], status="ended")
                continue
            found.append(row)
        return found

    async def _is_meant(self, row: dict[str, Any], call: AskedCall) -> bool:
        if row["lasts"] != "once":
            return True
        # What is for one call is for its very arguments; their hash is nobody's to see.
        with contextlib.suppress(NotFound):
            revealed = await self._records.reveal(SYSTEM, MODEL, row["id"])
            return bool(revealed["arguments_hash"] == call.arguments_hash)
        return False

    async def _ask(self, call: AskedCall) -> dict[str, Any]:
        actor, settings = call.actor, self._settings.current
        now = self._clock()
        open_ones = {"owner_id": actor.user_id, "status": "pending", "expires_at__gt": to_text(now)}
        waiting = await self._records.find(SYSTEM, MODEL, where=open_ones, sort="expires_at")
        if len(waiting) >= settings.mcp_approvals_waiting:
            seconds = (from_text(waiting[0]["expires_at"]) - now).total_seconds()
            raise too_many_wait(call.tool.public_name, settings.mcp_approvals_waiting, seconds)
        redactor = await self._redactor()
        kept, _ = excerpt(call.arguments or {}, _EXCERPT_BYTES)
        asked_by, client = self._name_of(call), call.caller.client
        row = await self._records.create(
            SYSTEM,
            MODEL,
            {
                **call.asks,
                "expires_at": to_text(now + timedelta(minutes=settings.mcp_approval_wait_minutes)),
                "asked_by": asked_by,
                "client": None if client is None else _clean(redactor.text(client))[:200],
                "definition_hash": call.definition_hash,
                "arguments": _storable(redactor.value(kept)),
                "arguments_hash": call.arguments_hash,
            },
        )
        told = {
            "owner_id": actor.user_id,
            "title": f"{asked_by} wants to call {call.server.name}: {call.tool_key}"[:200],
            "message": "It waits until you approve it, once, for a while or always, or refuse.",
            "severity": "warning",
            "category": "approval",
            "source": "gateway",
            "action_url": "#/tools/approvals",
        }
        await self._records.create(SYSTEM, "notifications", told)
        return row

    def _name_of(self, call: AskedCall) -> str:
        if call.token_id is not None:
            row = self._records.look_up(SYSTEM, "api_tokens", "id", call.token_id)
            return f"Token {row['name']}" if row else "A token"
        if call.app_id is not None:
            row = self._records.look_up(SYSTEM, "oauth_tokens", "id", call.app_id)
            return str(row["client_name"]) if row else "An app"
        if call.actor.kind == "schedule":
            row = self._records.look_up(SYSTEM, "schedules", "id", call.actor.credential_id or 0)
            return f"Schedule {row['name']}"[:200] if row else "A schedule"
        return _PROGRAM if call.actor.kind == "owner" else call.actor.kind

    async def _set(self, approval_id: int, **values: Any) -> dict[str, Any]:
        return await self._records.update(SYSTEM, MODEL, approval_id, values)


def _storable(value: Any) -> Any:
    """A JSON value that can be stored: what can't be a number or text in the file becomes text that can."""
    try:
        text = orjson.dumps(value)
    except orjson.JSONEncodeError:
        return _clean(repr(value))
    return orjson.loads(text.replace(b"\\u0000", b"\\ufffd"))


def _clean(text: str) -> str:
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
