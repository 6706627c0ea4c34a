"""What the MCP bridge tells its client: one JSON-RPC message a line."""

from __future__ import annotations

import json
import sys
import threading
from typing import Any, BinaryIO

from gridbear_desktop.mcp_http import Message, refusal_of, rpc_of

UNREACHABLE = -32000


class Lines:
    """The way to one client; `over` is set when it reads no more."""

    def __init__(self, out: BinaryIO, over: threading.Event) -> None:
        self._out = out
        self._over = over
        self._writing = threading.Lock()

    def say(self, text: bytes) -> None:
        """One message."""
        # A line end is white space in JSON and would cut the message in two here.
        line = text.replace(b"\r", b" ").replace(b"\n", b" ") + b"\n"
        with self._writing:
            try:
                self._out.write(line)
                self._out.flush()
            except OSError:
                self._over.set()

    def notify(self, method: str, params: Message | None = None) -> None:
        """A notification of our own."""
        self.say(json.dumps({"jsonrpc": "2.0", "method": method, **({"params": params} if params else {})}).encode())

    def say_error(self, message: Message | None, code: int, text: str, data: Any = None) -> None:
        """The answer to `message`, if it wants one; None stands for a line that is no message."""
        if message is not None and not ("id" in message and "method" in message):
            print(f"gridbear mcp: {text}", file=sys.stderr, flush=True)
            return
        error = {"code": code, "message": text, **({"data": data} if data else {})}
        asked = None if message is None else message["id"]
        told = {"jsonrpc": "2.0", "id": asked if isinstance(asked, str | int | float) else None, "error": error}
        self.say(json.dumps(told).encode())

    def refuse(self, message: Message, status: int, refused: bytes) -> None:
        """Pass on that the server answered with an error status."""
        refusal = refusal_of(status, refused, message)
        if isinstance(refusal, bytes):
            self.say(refusal)
        else:
            self.say_error(message, UNREACHABLE, refusal, {"status": status})


def is_answer(text: bytes) -> bool:
    """Whether a message that came is an answer, not a notification or a question."""
    return bool(text) and (b'"method"' not in text or "method" not in (rpc_of(text) or {}))


def key_of(request_id: object) -> str:
    """A request's id in a form that can be looked up; 1 and "1" differ."""
    return json.dumps(request_id)
