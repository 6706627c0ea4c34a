"""One tree of errors for the whole program. It knows nothing of HTTP; `server.asgi.replies` maps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field or parameter: a stable code and a sentence that names the remedy."""

    code: str
    message: str


class GridBearError(Exception):
    """An error that a caller may see. `message` is safe to show; causes stay in `__cause__` and the log."""

    code = "internal_error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        fields: Mapping[str, FieldError] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code
        self.fields = dict(fields or {})
        self.retry_after = retry_after
        """Seconds until the same request may succeed; None when waiting does not help."""


class InternalError(GridBearError):
    """Something broke on our side; the log has the details under the request id."""


class BadRequest(GridBearError):
    """The request could not be read at all (JSON that does not parse, a malformed header)."""

    code = "bad_request"


class ValidationFailed(GridBearError):
    """The request was read, and its values are not acceptable. `fields` names them."""

    code = "validation_error"

    @classmethod
    def of(cls, field: str, code: str, message: str) -> ValidationFailed:
        """The common case: one field, one reason."""
        return cls(f"{field}: {message}", fields={field: FieldError(code, message)})


class Unauthorized(GridBearError):
    """Nobody is signed in, or the credential is unknown, expired or revoked."""

    code = "unauthorized"


class Forbidden(GridBearError):
    """Somebody is signed in and may not do this."""

    code = "forbidden"


class NotFound(GridBearError):
    """There is no such thing, or the caller may not know of it."""

    code = "not_found"


class MethodNotAllowed(GridBearError):
    """The address exists and does not know this verb. `allowed` lists those it knows."""

    code = "method_not_allowed"

    def __init__(self, message: str, allowed: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.allowed = allowed


class NotAcceptable(GridBearError):
    """The client takes none of the forms that the answer has."""

    code = "not_acceptable"


class Conflict(GridBearError):
    """The change contradicts what is stored (unique value taken, row still referenced)."""

    code = "conflict"


class PreconditionFailed(GridBearError):
    """`If-Match` names a version of the row that is no longer the current one."""

    code = "precondition_failed"


class TooLarge(GridBearError):
    """A body, header or value over its limit; the message names the limit."""

    code = "too_large"


class RateLimited(GridBearError):
    """Over a rate limit; `retry_after` says when the next request is allowed."""

    code = "rate_limited"


class RangeNotSatisfiable(GridBearError):
    """The part that was asked for lies beyond the end of a file of `size` bytes."""

    code = "range_not_satisfiable"

    def __init__(self, size: int) -> None:
        super().__init__(f"The file has {size} bytes; the part that was asked for lies beyond them.")
        self.size = size


class Busy(GridBearError):
    """The server can't take this now (write queue full, stopping); trying again later helps."""

    code = "busy"


class StorageFull(GridBearError):
    """The disk or the storage guard refuses writes; reading still works."""

    code = "storage_full"


class UpstreamFailed(GridBearError):
    """Something outside (an MCP server, a remote service) failed or did not answer."""

    code = "upstream_failed"


class StartupError(GridBearError):
    """The server can't start. The message is one sentence with the way out; the exit code is 2."""

    code = "startup_error"
