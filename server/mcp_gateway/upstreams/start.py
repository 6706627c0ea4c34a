"""The start of one server, as who needs it waits for it."""

from __future__ import annotations

import asyncio

from server.config import SettingsHolder
from server.mcp_gateway.failures import UPSTREAM_FAILED, CallFailed
from server.mcp_gateway.upstreams.session import Session
from server.mcp_gateway.upstreams.supervisor import Supervisor

_AGAIN_SECONDS = 5.0
_END_SECONDS = 2.0


class Start:
    """So long and no longer: the start itself goes on."""

    def __init__(self, supervisor: Supervisor, settings: SettingsHolder) -> None:
        self._supervisor = supervisor
        self._settings = settings

    @property
    def seconds(self) -> float:
        """In this time a start that does not install anything has come to an end, with its reason."""
        return self._settings.current.mcp_start_timeout_seconds + _END_SECONDS

    async def session(self, wait: float) -> Session:
        """The open session. Raises CallFailed, also when that takes more than `wait` seconds."""
        if (ready := self._supervisor.ready) is not None:
            return ready
        try:
            async with asyncio.timeout(wait):
                return await self._supervisor.session()
        except TimeoutError:
            raise self._goes_on() from None

    def refusal(self, now: float) -> CallFailed | None:
        """What a caller is told who finds nothing here, or None when it runs and simply has nothing."""
        standing = self._supervisor.standing
        if standing.state in ("installing", "starting"):
            return self._goes_on()
        if not standing.is_down:
            return None
        name, reason = self._supervisor.config.name, standing.trouble.reason if standing.trouble else ""
        return standing.refusal(now) or CallFailed(
            UPSTREAM_FAILED, f"The MCP server {name} can't be reached: {reason}", {"server": name}
        )

    def _goes_on(self) -> CallFailed:
        name, state = self._supervisor.config.name, self._supervisor.state
        doing = "being installed" if state == "installing" else "starting"
        return CallFailed(
            UPSTREAM_FAILED,
            f"The MCP server {name} is still {doing}. Try again in {_AGAIN_SECONDS:g} s.",
            {"server": name, "state": state, "retry_after": _AGAIN_SECONDS},
        )
