"""One message of the protocol that passed, and how it is told to an admin."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from server.mcp_gateway.activity.redaction import Redactor
from server.mcp_gateway.wire import Unwritable, from_wire, writable
from server.records.times import to_text

Direction = Literal["to_server", "from_server"]
Kind = Literal["request", "answer", "error", "notification", "lost"]
"""`lost`: no answer came; what stands there instead says why."""

_TOKEN = "progressToken"
_ABOUT = ("name", "uri")
_ABOUT_LENGTH = 200
UNTELLABLE = "(it can't be shown)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """As it was noted: cut to size, and not redacted yet."""

    sequence: int
    at: float
    """In seconds since the epoch."""
    direction: Direction
    kind: Kind
    method: str | None
    """That of the request, for an answer; None where the request was not seen."""
    about: str | None
    """The tool, prompt or resource that it names."""
    id: str | int | None
    answers: int | None
    """The sequence of the request, for an answer."""
    seconds: float | None
    """From the request to this answer."""
    failed: bool
    size: int
    """Bytes on the wire, as JSON without blanks."""
    cut: bool
    body: Any
    """JSON as bytes where it was short enough, else an excerpt of the value."""
    room: int
    """Bytes that it takes here."""
    person: int | None
    """Whose connection it is, where everybody has their own."""

    def told(self, redactor: Redactor) -> dict[str, Any]:
        """Without secrets. May be called in any thread."""
        return {
            "sequence": self.sequence,
            "time": to_text(datetime.fromtimestamp(self.at, UTC)),
            "direction": self.direction,
            "kind": self.kind,
            "method": None if self.method is None else _shown(redactor.text(self.method)),
            "about": None if self.about is None else _shown(redactor.text(self.about)),
            "id": _shown(redactor.text(self.id)) if isinstance(self.id, str) else self.id,
            "answers": self.answers,
            "took_ms": None if self.seconds is None else round(self.seconds * 1000, 3),
            "failed": self.failed,
            "size": self.size,
            "cut": self.cut,
            "person": self.person,
            "message": self._body(redactor),
        }

    def _body(self, redactor: Redactor) -> Any:
        try:
            value = from_wire(self.body) if isinstance(self.body, bytes) else self.body
            shown = redactor.value(value)
            _keep_tokens(value, shown)
            return writable(shown)
        except (Unwritable, RecursionError):
            return UNTELLABLE


def about_of(params: Any) -> str | None:
    """What a request is about, from its parameters."""
    if not isinstance(params, dict):
        return None
    return next((params[key][:_ABOUT_LENGTH] for key in _ABOUT if isinstance(params.get(key), str)), None)


def _keep_tokens(value: Any, shown: Any) -> None:
    """The protocol's own token for progress is named like a secret, and is none while it is its number of ours."""
    params, told = _params(value), _params(shown)
    for one, other in ((params, told), (params.get("_meta"), told.get("_meta"))):
        if isinstance(one, dict) and isinstance(other, dict) and _TOKEN in one and _is_number(one[_TOKEN]):
            other[_TOKEN] = one[_TOKEN]


def _params(message: Any) -> dict[str, Any]:
    found = message.get("params") if isinstance(message, dict) else None
    return found if isinstance(found, dict) else {}


def _is_number(token: Any) -> bool:
    return isinstance(token, int) or (isinstance(token, str) and token.removeprefix("gb-").isdigit())


def _shown(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
