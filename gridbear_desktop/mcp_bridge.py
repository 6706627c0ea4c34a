"""`gridbear mcp`: the running gateway for AI clients that only start programs. Lines of JSON-RPC in, lines out."""

from __future__ import annotations

import http.client
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from gridbear_desktop.mcp_http import Exchange, Message, messages_of, modern_headers, modern_version, refusal_of
from gridbear_desktop.runfile import RunInfo
from gridbear_desktop.server_finding import ServerFinder
from server.data_folder import DataFolder
from server.data_place import chosen
from server.errors import GridBearError

UNREACHABLE = -32000
PARSE_ERROR = -32700
INVALID_REQUEST = -32600
END_SECONDS = 2.0
"""What was asked before stdin ended is still answered for this long."""
LISTEN_AGAIN_SECONDS = 1.0
_LISTENS = "subscriptions/listen"


def bridge(data_dir: Path | None, server: str | None, mode: str | None) -> int:
    """Relay until stdin ends. Returns the exit code."""
    folder = DataFolder(chosen(data_dir))
    path = "/mcp" + (f"/{quote(server, safe='')}" if server else "") + (f"?mode={mode}" if mode else "")
    Bridge(folder, path, sys.stdin.buffer, sys.stdout.buffer).run()
    # Threads that still wait for an answer must not keep the process alive.
    os._exit(0)


class Bridge:
    """One client. `path` is the gateway's address below the server's own."""

    def __init__(self, folder: DataFolder, path: str, lines: BinaryIO, out: BinaryIO) -> None:
        self._path = path
        self._lines = lines
        self._out = out
        self._over = threading.Event()
        self._finder = ServerFinder(folder, self._over.wait)
        self._writing = threading.Lock()
        self._connecting = threading.Lock()
        self._looking = threading.Lock()
        self._open: dict[str, Exchange] = {}
        self._waiting: set[threading.Thread] = set()
        self._info: RunInfo | None = None
        self._hello: Message | None = None
        self._session: str | None = None
        self._version: str | None = None
        self._listener: threading.Thread | None = None

    def run(self) -> None:
        """Relay every line; returns at the end of stdin."""
        for line in self._lines:
            if line.strip():
                self._take(line)
        deadline = time.monotonic() + END_SECONDS
        for thread in tuple(self._waiting):
            thread.join(max(0.0, deadline - time.monotonic()))
        self._over.set()
        self._leave()

    def _take(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            self._say_error(None, PARSE_ERROR, "This line is no JSON, or nested too deep.")
            return
        if not isinstance(message, dict):
            self._say_error(None, INVALID_REQUEST, "One JSON-RPC message a line is wanted.")
            return
        if message.get("method") == "notifications/cancelled" and self._session is None:
            self._cancel(message)
            return
        if message.get("method") == "initialize":
            self._hello = message
        is_request = "id" in message and "method" in message
        if not is_request:
            # In its place: a notification must not overtake what came before it.
            self._relay(message, line)
            return
        thread = threading.Thread(target=self._relay, args=(message, line), daemon=True)
        if message["method"] != _LISTENS:
            self._waiting.add(thread)
        thread.start()

    def _cancel(self, message: Message) -> None:
        params = message.get("params")
        exchange = self._open.get(_key(params.get("requestId"))) if isinstance(params, dict) else None
        if exchange is not None:
            exchange.abandon()

    def _relay(self, message: Message, line: bytes) -> None:
        try:
            self._exchange(message, line)
        except (OSError, http.client.HTTPException, GridBearError) as error:
            reason = error.message if isinstance(error, GridBearError) else str(error) or type(error).__name__
            self._say_error(message, UNREACHABLE, f"GridBear can't be reached: {reason}")
        finally:
            self._waiting.discard(threading.current_thread())

    def _exchange(self, message: Message, line: bytes) -> None:
        for attempt in range(2):
            exchange, session = self._sent(message, line)
            key = _key(message.get("id")) if "method" in message and "id" in message else ""
            if key:
                self._open[key] = exchange
            try:
                answer = exchange.answer()
                if answer.status == 404 and session is not None and attempt == 0:
                    # The server has started again and never saw this message.
                    self._greet_again(session)
                    continue
                self._pass_on(message, answer)
            except (OSError, http.client.HTTPException):
                if not exchange.abandoned:
                    raise OSError("the connection broke off; what was asked may have been done or not") from None
            finally:
                self._open.pop(key, None)
                exchange.close()
            return

    def _sent(self, message: Message, line: bytes) -> tuple[Exchange, str | None]:
        """Send a message, looking for the server once more where it is not where it was."""
        version = modern_version(message)
        session = None if version or message.get("method") == "initialize" else self._session
        for fresh in (False, True):
            exchange = Exchange(self._server(fresh))
            headers = modern_headers(message, version) if version else self._headers(session)
            try:
                exchange.send("POST", self._address(), line.strip(), headers)
                return exchange, session
            except OSError:
                exchange.close()
                if fresh:
                    raise
        raise AssertionError("unreachable")

    def _pass_on(self, message: Message, answer: http.client.HTTPResponse) -> None:
        if answer.status >= 400:
            refusal = refusal_of(answer, message)
            if isinstance(refusal, bytes):
                self._say(refusal)
            else:
                if answer.status == 401:
                    self._info = None
                self._say_error(message, UNREACHABLE, refusal, {"status": answer.status})
            return
        greeted = message.get("method") == "initialize"
        if greeted:
            self._session = answer.getheader("mcp-session-id")
        for text in messages_of(answer):
            if greeted:
                self._note_version(text)
            self._say(text)
        if message.get("method") == "notifications/initialized" and self._session is not None:
            self._listen()

    def _greet_again(self, lost: str) -> None:
        """Open a new session in place of `lost`; the client sees nothing but that its lists may have changed."""
        with self._connecting:
            if self._session != lost or self._hello is None:
                return
            hello = {**self._hello, "id": "gridbear-again"}
            with_session = self._asked(hello, None)
            self._session = with_session
            self._asked({"jsonrpc": "2.0", "method": "notifications/initialized"}, with_session)
        for kind in ("tools", "resources", "prompts"):
            self._say(json.dumps({"jsonrpc": "2.0", "method": f"notifications/{kind}/list_changed"}).encode())

    def _asked(self, message: Message, session: str | None) -> str | None:
        exchange = Exchange(self._server(False))
        try:
            exchange.send("POST", self._address(), json.dumps(message).encode(), self._headers(session))
            answer = exchange.answer()
            answer.read()
            if answer.status >= 400:
                raise OSError(f"it refused a new session with status {answer.status}")
            return answer.getheader("mcp-session-id") or session
        finally:
            exchange.close()

    def _listen(self) -> None:
        """Follow what the server says unasked, in the eras that have a stream for it."""
        if self._listener is None:
            self._listener = threading.Thread(target=self._follow, daemon=True)
            self._listener.start()

    def _follow(self) -> None:
        while not self._over.is_set():
            session = self._session
            exchange: Exchange | None = None
            try:
                info = self._finder.running()
                if info is not None and session is not None:
                    self._info = info
                    exchange = Exchange(info)
                    exchange.send("GET", self._address(), None, self._headers(session))
                    answer = exchange.answer()
                    if answer.status == 405:
                        return
                    if answer.status == 404:
                        self._greet_again(session)
                    elif answer.status == 200:
                        for text in messages_of(answer):
                            self._say(text)
            except (OSError, http.client.HTTPException, ValueError):
                # The server is gone for a moment: looked for again below.
                pass
            finally:
                if exchange is not None:
                    exchange.close()
            self._over.wait(LISTEN_AGAIN_SECONDS)

    def _leave(self) -> None:
        if self._session is None or self._info is None:
            return
        exchange = Exchange(self._info)
        try:
            exchange.send("DELETE", self._address(), None, self._headers(self._session))
        except OSError:
            pass  # It is gone, and the session with it.
        finally:
            exchange.close()

    def _server(self, fresh: bool) -> RunInfo:
        with self._looking:
            if self._info is None or fresh:
                self._info = self._finder.found()
            return self._info

    def _address(self) -> str:
        base = "" if self._info is None else "/" + self._info.url.partition("://")[2].partition("/")[2]
        return base.rstrip("/") + self._path

    def _headers(self, session: str | None) -> dict[str, str]:
        headers = {}
        if session is not None:
            headers["Mcp-Session-Id"] = session
            if self._version is not None:
                headers["MCP-Protocol-Version"] = self._version
        return headers

    def _note_version(self, text: bytes) -> None:
        result = json.loads(text).get("result")
        if isinstance(result, dict) and isinstance(result.get("protocolVersion"), str):
            self._version = result["protocolVersion"]

    def _say_error(self, message: Message | None, code: int, text: str, data: Any = None) -> None:
        if message is not None and not ("id" in message and "method" in message):
            print(f"gridbear mcp: {text}", file=sys.stderr, flush=True)
            return
        error = {"code": code, "message": text, **({"data": data} if data else {})}
        told = {"jsonrpc": "2.0", "id": None if message is None else message["id"], "error": error}
        self._say(json.dumps(told).encode())

    def _say(self, text: bytes) -> None:
        # A line end is white space in JSON and would cut the message in two here.
        line = text.replace(b"\r", b" ").replace(b"\n", b" ") + b"\n"
        with self._writing:
            try:
                self._out.write(line)
                self._out.flush()
            except OSError:
                self._over.set()


def _key(request_id: object) -> str:
    return json.dumps(request_id)
