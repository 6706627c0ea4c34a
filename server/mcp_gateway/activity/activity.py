"""Watches every call of a tool: measures it, and hands it to the log."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from server.config import SettingsHolder
from server.events.bus import Bus
from server.log import request_id
from server.mcp_gateway.activity.call_log import CallLog
from server.mcp_gateway.activity.entry import Entry
from server.mcp_gateway.activity.excerpt import kept
from server.mcp_gateway.activity.meters import Meters
from server.mcp_gateway.caller import Caller
from server.mcp_gateway.failures import (
    APPROVAL_NEEDED,
    CIRCUIT_OPEN,
    INVALID_PARAMS,
    RATE_LIMITED,
    RESOURCE_NOT_FOUND,
    UPSTREAM_TIMEOUT,
    WAITS_FOR_APPROVAL,
    CallFailed,
)
from server.records.service import Records

_REFUSALS = frozenset(
    (RATE_LIMITED, CIRCUIT_OPEN, INVALID_PARAMS, RESOURCE_NOT_FOUND, WAITS_FOR_APPROVAL, APPROVAL_NEEDED)
)
_OVERHEAD = 512
_ERROR_LENGTH, _CLIENT_LENGTH, _TOOL_LENGTH = 2000, 200, 200


class Activity:
    """The numbers and the log of all calls."""

    def __init__(
        self, records: Records, settings: SettingsHolder, bus: Bus, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._settings = settings
        self._clock = clock
        self.meters = Meters()
        self.log = CallLog(records, settings, bus)
        self.expire = self.log.expire

    def watch(self, caller: Caller, tool: str, arguments: Any) -> Watched:
        """A context around one call. Inside, tell it what it is a call of, and what was answered."""
        return Watched(self, caller, tool, arguments)

    def told(self, servers: set[str], *, everything: bool) -> dict[str, Any]:
        """The numbers of `servers`, with `everything` of all, and of the log."""
        meters = {
            name: meter.told() for name, meter in sorted(self.meters.by_server.items()) if everything or name in servers
        }
        log = {"waiting": self.log.waiting, "written": self.log.written, "dropped": dict(self.log.dropped)}
        return {"servers": meters, "log": log if everything else None}

    def ended(self, call: Watched, outcome: str, error: str | None, code: int | None) -> None:
        """A call is over."""
        call.seconds = seconds = self._clock() - call.began
        call.meter.outcomes[outcome] += 1
        call.meter.latency.add(seconds)
        settings = self._settings.current
        # What went wrong is told even of what is asked at each pause in typing.
        if settings.tool_calls_log == "off" or (call.typing and outcome == "ok"):
            return
        call.size = _OVERHEAD
        if settings.tool_calls_log == "everything":
            limit = settings.tool_calls_value_bytes
            call.arguments, size = kept(call.arguments, limit)
            call.result, more = kept(call.result, limit)
            call.size += size + more
        else:
            call.arguments = call.result = None
        call.outcome, call.code = outcome, code
        call.error = None if error is None else error[:_ERROR_LENGTH]
        self.log.add(call)

    def begun(self) -> float:
        """The moment of a beginning."""
        return self._clock()


class Watched(Entry):
    """One call while it goes on; when it has ended, what the log keeps of it."""

    __slots__ = ("_activity", "began", "meter", "typing")

    def __init__(self, activity: Activity, caller: Caller, tool: str, arguments: Any) -> None:
        self._activity = activity
        self.meter = activity.meters.of(None)
        # Not the caller itself, which leads back to its client and to all that it sent.
        self.actor = caller.actor
        self.typing = caller.typing
        self.client = None if caller.client is None else caller.client[:_CLIENT_LENGTH]
        self.tool = tool[:_TOOL_LENGTH]
        self.server = None
        self.arguments = arguments
        self.result = None
        self.request_id = request_id.get()
        self.at = time.time()
        self.began = activity.begun()

    def of(self, server: str, tool: str) -> None:
        """It is a call of this tool, by its own name."""
        self.server, self.tool = server, tool[:_TOOL_LENGTH]
        self.meter = self._activity.meters.of(server)
        self.meter.in_flight += 1

    def answered(self, result: dict[str, Any]) -> dict[str, Any]:
        """What came back; returns it."""
        self.result = result
        return result

    def __enter__(self) -> Watched:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.server is not None:
            self.meter.in_flight -= 1
        if isinstance(error, CallFailed):
            outcome = "refused" if error.code in _REFUSALS else "failed"
            self._activity.ended(
                self, "timeout" if error.code == UPSTREAM_TIMEOUT else outcome, error.message, error.code
            )
        elif isinstance(error, asyncio.CancelledError):
            self._activity.ended(self, "cancelled", None, None)
        elif error is not None:
            self._activity.ended(self, "failed", "Something went wrong on our side.", None)
        else:
            wrong = isinstance(self.result, dict) and self.result.get("isError") is True
            self._activity.ended(self, "tool_error" if wrong else "ok", None, None)
