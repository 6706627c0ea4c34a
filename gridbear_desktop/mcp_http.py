"""One HTTP exchange of the MCP bridge: its headers, and the messages of a JSON or event-stream answer."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import re
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from gridbear_desktop.runfile import RunInfo
from server.certificates import client_context

CONNECT_SECONDS = 10.0
VERSION_META = "io.modelcontextprotocol/protocolVersion"
_NAMED_BY = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri",
             "tasks/get": "taskId", "tasks/update": "taskId", "tasks/cancel": "taskId"}  # fmt: skip
_SAFE = re.compile(r"[\x20-\x7e]*")

Message = dict[str, Any]


class Exchange:
    """One request on a connection of its own, so that `abandon` can end it from another thread."""

    def __init__(self, info: RunInfo) -> None:
        self.info = info
        parts = urlsplit(info.url)
        host, port = parts.hostname or "127.0.0.1", parts.port
        if parts.scheme == "https":
            context = client_context(info.certificate) if info.certificate else None
            self._connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                host, port, timeout=CONNECT_SECONDS, context=context
            )
        else:
            self._connection = http.client.HTTPConnection(host, port, timeout=CONNECT_SECONDS)
        self._headers = {
            "Authorization": f"Bearer {info.control_token}",
            "Accept": "application/json, text/event-stream",
            "Content-Type": "application/json",
        }
        self.abandoned = False
        self._refusal: http.client.HTTPResponse | None = None

    def send(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> None:
        """Send the request. Raises OSError."""
        try:
            self._connection.request(method, path, body, {**self._headers, **headers})
        except (BrokenPipeError, ConnectionResetError, ConnectionAbortedError) as error:
            # What is too large is refused before all of it was sent.
            try:
                self._refusal = self._connection.getresponse()
            except (OSError, http.client.HTTPException):
                raise error from None
        if self._connection.sock is not None:
            # A tool may take its time; the gateway has the limits.
            self._connection.sock.settimeout(None)

    def answer(self) -> http.client.HTTPResponse:
        """The head of the answer. Raises OSError or HTTPException."""
        return self._refusal or self._connection.getresponse()

    def abandon(self) -> None:
        """Break it off: over HTTP this is how the newer protocol cancels."""
        self.abandoned = True
        self.close()

    def close(self) -> None:
        sock = self._connection.sock
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self._connection.close()


def messages_of(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    """Each JSON-RPC message of an answer, as it comes."""
    if not (answer.getheader("content-type") or "").startswith("text/event-stream"):
        body = answer.read().strip()
        if body:
            yield body
        return
    data: list[bytes] = []
    for line in answer:
        text = line.rstrip(b"\r\n")
        if text.startswith(b"data:"):
            data.append(text[5:].removeprefix(b" "))
        elif not text and data:
            joined = b"\n".join(data)
            data = []
            if joined.strip():
                yield joined


def modern_version(message: Message) -> str | None:
    """The protocol version that a message names itself, as since 2026-07-28; None in the eras with a handshake."""
    params = message.get("params")
    meta = params.get("_meta") if isinstance(params, dict) else None
    version = meta.get(VERSION_META) if isinstance(meta, dict) else None
    return version if isinstance(version, str) else None


def modern_headers(message: Message, version: str) -> dict[str, str]:
    """What the newer protocol wants repeated in headers."""
    method = str(message.get("method", ""))
    headers = {"MCP-Protocol-Version": version, "Mcp-Method": header_value(method)}
    name = message["params"].get(_NAMED_BY.get(method, ""))
    if isinstance(name, str):
        headers["Mcp-Name"] = header_value(name)
    return headers


def header_value(text: str) -> str:
    """`text` as it survives a header; the protocol wraps in base64 what would not."""
    if _SAFE.fullmatch(text) and text == text.strip() and not text.startswith("=?base64?"):
        return text
    return f"=?base64?{base64.b64encode(text.encode('utf-8', 'surrogatepass')).decode()}?="


def refusal_of(status: int, body: bytes, asked: Message) -> bytes | str:
    """What an error answer to `asked` says: a JSON-RPC message, else a sentence."""
    told = rpc_of(body)
    if told is None:
        done = "; what was asked may have been done or not" if status >= 500 else ""
        return f"GridBear answered with status {status}{done}."
    if "jsonrpc" not in told:
        return str(told.get("error", ""))
    if told.get("id") is not None or not ("id" in asked and "method" in asked):
        return body
    # Over HTTP it is known what was asked; who reads lines would wait for ever.
    return json.dumps({**told, "id": asked["id"]}).encode()


def rpc_of(body: bytes) -> Message | None:
    """The JSON object that a body is; None where it is none."""
    try:
        told = json.loads(body)
    except ValueError:
        return None
    return told if isinstance(told, dict) else None
