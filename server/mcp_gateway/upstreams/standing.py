"""How a server stands: running, resting after a failure, waiting for a person. No I/O; the clock is passed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from server.mcp_gateway.failures import UPSTREAM_FAILED, CallFailed

UpstreamState = Literal[
    "stopped", "installing", "starting", "ready", "checking", "failed", "needs_attention", "needs_login", "disabled"
]
_BACKOFF_SECONDS = (1.0, 2.0, 5.0, 15.0, 60.0, 300.0)
_STEADY_SECONDS = 30.0
_LENGTH = 1000


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a server does not work. `reason` may be told to whoever uses it; `advice` to admins: what to do."""

    reason: str
    advice: str = ""
    wants_login: bool = False

    @property
    def text(self) -> str:
        return f"{self.reason} {self.advice}".strip()[:_LENGTH]


WANTS_LOGIN = Trouble(
    "The server answers 401: it has no sign-in from us, or does not take it any more.", wants_login=True
)


class Standing:
    """One server's state, its last trouble, and when it may be started again. Times are monotonic seconds."""

    def __init__(self, server: str, *, enabled: bool) -> None:
        self._server = server
        self._enabled = enabled
        self.state: UpstreamState = "stopped" if enabled else "disabled"
        self.trouble: Trouble | None = None
        self._failures = 0
        self._retry_at = 0.0

    def start(self, *, installs: bool) -> None:
        """It is being started; `installs`: that may take long, because the program is fetched first."""
        self.state = "installing" if installs else "starting"

    def ready(self) -> None:
        """It answers."""
        self.state, self.trouble = "ready", None

    def stop(self) -> None:
        """It was stopped on purpose: nobody used it, or somebody asked for it. What waits for a person still does."""
        if self.state not in ("needs_attention", "needs_login"):
            self.state = "stopped" if self._enabled else "disabled"

    def forget(self) -> None:
        """A person looked after it: the next use starts it at once."""
        self.trouble, self._failures, self._retry_at = None, 0, 0.0
        self.state = "stopped" if self._enabled else "disabled"

    def fail(self, trouble: Trouble, now: float, *, lived: float, was_ready: bool, allowed: int, jitter: float) -> None:
        """It could not be started, or ended by itself after `lived` seconds.

        After `allowed` failures in a row it is left alone until a person looks at it. `jitter` stretches the pause.
        """
        self.trouble = trouble
        if trouble.wants_login:
            self.want_login()
            return
        steady = was_ready and lived > _STEADY_SECONDS
        self._failures = 1 if steady else self._failures + 1
        if self._failures >= allowed and not steady:
            self.state = "needs_attention"
            return
        self.state = "failed"
        pause = _BACKOFF_SECONDS[min(self._failures, len(_BACKOFF_SECONDS)) - 1]
        # A server that worked may be used again at once; one that never came up rests.
        self._retry_at = now + (0.0 if was_ready and self._failures == 1 else pause * jitter)

    def want_login(self) -> None:
        """The server refused our credential; only a person can help."""
        self.trouble, self.state = WANTS_LOGIN, "needs_login"

    def retry_after(self, now: float) -> float:
        """Seconds until it may be started again by itself, 0 when it may be now, or when only a person can help."""
        return max(0.0, self._retry_at - now) if self.state == "failed" else 0.0

    @property
    def is_down(self) -> bool:
        """Whether it could not be reached when that was last tried."""
        return self.state == "failed" or self.waits_for_a_person

    @property
    def waits_for_a_person(self) -> bool:
        return self.state in ("needs_attention", "needs_login")

    def refusal(self, now: float) -> CallFailed | None:
        """Why it may not be started now, or None."""
        name, reason = self._server, self.trouble.reason if self.trouble else ""
        data: dict[str, Any] = {"server": name, "state": self.state}
        if self.state == "needs_login":
            text = f"The MCP server {name} wants a sign-in: {reason} Somebody has to sign in to it under MCP servers."
            return CallFailed(UPSTREAM_FAILED, text, data)
        if self.state == "needs_attention":
            text = (
                f"The MCP server {name} failed {self._failures} times in a row and is left alone until an admin "
                f"mends or restarts it. The last time: {reason}"
            )
            return CallFailed(UPSTREAM_FAILED, text, data)
        wait = self.retry_after(now)
        if wait > 0:
            text = (
                f"The MCP server {name} could not be started: {reason} "
                f"It is tried again in {max(1, round(wait + 0.5))} s."
            )
            return CallFailed(UPSTREAM_FAILED, text, data | {"retry_after": round(wait, 3)})
        return None
