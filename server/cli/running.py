"""The running server of a data folder, asked over HTTP with its control token."""

from __future__ import annotations

import contextlib
import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from http.client import HTTPResponse
from typing import Any, Protocol, cast

from server.certificates import opener_for
from server.data_folder import DataFolder
from server.errors import Conflict, FieldError, GridBearError, NotFound, StartupError, ValidationFailed

ANSWER_SECONDS = 30.0
_PROBE_SECONDS = 5.0
_KINDS: dict[int, type[GridBearError]] = {404: NotFound, 409: Conflict, 422: ValidationFailed}


class Body(Protocol):
    """What is sent piece by piece."""

    def read(self, size: int = -1, /) -> bytes: ...


class RunningServer:
    """One server that answers. Every method raises the error that the server tells."""

    def __init__(self, url: str, control_token: str, certificate: str = "") -> None:
        self.url = url
        self._token = control_token
        self._opener = opener_for(certificate)

    def ask(
        self,
        path: str,
        body: bytes | Body | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = ANSWER_SECONDS,
        method: str | None = None,
    ) -> dict[str, Any]:
        """The JSON answer to a GET, or with a body to a POST, where no `method` is told."""
        with self.open(path, body, headers, timeout, method) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    @contextlib.contextmanager
    def open(
        self,
        path: str,
        body: bytes | Body | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = ANSWER_SECONDS,
        method: str | None = None,
    ) -> Iterator[HTTPResponse]:
        """The answer as a stream. `timeout` is for each wait, None for as long as it takes."""
        named = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json", **(headers or {})}
        request = urllib.request.Request(f"{self.url}{path}", data=cast(Any, body), headers=named, method=method)
        try:
            with self._opener.open(request, timeout=timeout) as answer:
                yield answer
        except urllib.error.HTTPError as error:
            raise _error_of(error) from None
        except urllib.error.URLError as error:
            raise GridBearError(f"The running server broke the connection off ({error.reason}).") from error

    def answers(self) -> bool:
        """Whether it is alive: a server that was killed leaves its run file behind."""
        try:
            with self._opener.open(f"{self.url}/healthz", timeout=_PROBE_SECONDS):
                return True
        except OSError:
            return False


def running_server(folder: DataFolder) -> RunningServer | None:
    """The server that runs on `folder`, or None."""
    try:
        info = json.loads((folder.run / "server.json").read_text("utf-8"))
        server = RunningServer(str(info["url"]), str(info["control_token"]), str(info.get("certificate", "")))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return server if server.answers() else None


def _error_of(error: urllib.error.HTTPError) -> GridBearError:
    try:
        body = json.load(error)
        message, code = str(body["error"]), str(body["code"])
        fields = {name: FieldError(one["code"], one["message"]) for name, one in (body.get("fields") or {}).items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return StartupError(f"The running server answered {error.code}.")
    return _KINDS.get(error.code, GridBearError)(message, code=code, fields=fields)
