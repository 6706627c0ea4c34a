"""`gridbear mcp`: the running gateway for AI clients that only start programs. Lines of JSON-RPC in, lines out."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from gridbear_desktop.mcp_http import (
    Exchange,
    Message,
    messages_of,
    modern_headers,
    modern_version,
    rpc_of,
)
from gridbear_desktop.mcp_lines import UNREACHABLE, Lines, is_answer, key_of
from gridbear_desktop.mcp_params import ParamHeaders
from gridbear_desktop.mcp_standing import AGAIN_SECONDS, LISTENS, LISTS, RESOURCE_UPDATED, Listening, Wishes
from gridbear_desktop.mcp_unsent import TakenBack, Unsent
from gridbear_desktop.runfile import RunInfo
from gridbear_desktop.server_finding import ServerFinder
from server.data_folder import DataFolder
from server.data_place import chosen
from server.errors import GridBearError

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
HEADER_MISMATCH = -32020
END_SECONDS = 10.0
"""What was asked before stdin ended is still answered for this long."""
_ONLY_ASK = frozenset(
    ("initialize", "ping", "server/discover", "tools/list", "resources/list", "resources/templates/list",
     "resources/read", "prompts/list", "prompts/get", "completion/complete", "tasks/get", "logging/setLevel")
)  # fmt: skip
"""Is asked again when an answer broke off: nothing is done twice by that."""
_MOST_TRIES = 4
_MOST_PAGES = 100
_BOM = b"\xef\xbb\xbf"


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
        self._over = threading.Event()
        self._finder = ServerFinder(folder, self._over.wait)
        self._out = Lines(out, self._over)
        self._connecting = threading.Lock()
        self._looking = threading.Lock()
        self._unsent = Unsent()
        self._open: dict[str, Exchange] = {}
        self._waiting: set[threading.Thread] = set()
        self._info: RunInfo | None = None
        self._hello: Message | None = None
        self._session: str | None = None
        self._version: str | None = None
        self._listener: threading.Thread | None = None
        self._params = ParamHeaders()
        self._wishes = Wishes()
        self._listens: dict[str, Listening] = {}

    def run(self) -> None:
        """Relay every line; returns at the end of stdin."""
        for line in self._lines:
            line = line.removeprefix(_BOM)
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
            self._out.say_error(None, PARSE_ERROR, "This line is no JSON, or nested too deep.")
            return
        if not isinstance(message, dict):
            self._out.say_error(None, INVALID_REQUEST, "One JSON-RPC message a line is wanted.")
            return
        if message.get("method") == "notifications/cancelled" and self._cancel(message):
            return
        if message.get("method") == "initialize":
            self._hello = message
        is_request = "id" in message and "method" in message
        if not is_request:
            # In its place: a notification must not overtake what came before it.
            self._relay(message, line)
            return
        if message["method"] == LISTENS and modern_version(message):
            listening = Listening(message, line, self._out, self._over, self._server, self._running, self._address)
            self._listens[key_of(message["id"])] = listening
            threading.Thread(target=self._keep_listening, args=(message, listening), daemon=True).start()
            return
        self._unsent.wait(key_of(message["id"]))
        thread = threading.Thread(target=self._relay, args=(message, line), daemon=True)
        self._waiting.add(thread)
        thread.start()

    def _cancel(self, message: Message) -> bool:
        """Break a request off here; False where the server has to be told of it."""
        params = message.get("params")
        key = key_of(params.get("requestId")) if isinstance(params, dict) else ""
        if self._unsent.take_back(key):
            return True
        if self._session is not None:
            return False
        listening, exchange = self._listens.get(key), self._open.get(key)
        if listening is not None:
            listening.cancel()
        elif exchange is not None:
            exchange.abandon()
        return True

    def _relay(self, message: Message, line: bytes) -> None:
        try:
            with self._told_if_unreachable(message), contextlib.suppress(TakenBack):
                self._exchange(message, line)
        finally:
            self._unsent.forget(key_of(message.get("id")))
            self._waiting.discard(threading.current_thread())

    def _keep_listening(self, message: Message, listening: Listening) -> None:
        try:
            with self._told_if_unreachable(message):
                listening.serve()
        finally:
            self._listens.pop(key_of(message["id"]), None)

    @contextlib.contextmanager
    def _told_if_unreachable(self, message: Message) -> Iterator[None]:
        try:
            yield
        except (OSError, http.client.HTTPException, GridBearError) as error:
            reason = error.message if isinstance(error, GridBearError) else str(error) or type(error).__name__
            self._out.say_error(message, UNREACHABLE, f"GridBear can't be reached: {reason}")

    def _exchange(self, message: Message, line: bytes) -> None:
        method = str(message.get("method"))
        key = key_of(message.get("id")) if "method" in message and "id" in message else ""
        for left in range(_MOST_TRIES, 0, -1):
            exchange, session = self._sent(message, line, key)
            if key:
                self._open[key] = exchange
            try:
                answer = exchange.answer()
                refused = answer.read() if answer.status >= 400 else None
                if refused is None:
                    self._pass_on(message, answer)
                    return
                self._unsent.wait(key)
                if left > 1 and self._mended(message, exchange.info, answer.status, refused, session):
                    continue
                self._out.refuse(message, answer.status, refused)
            except (OSError, http.client.HTTPException):
                if exchange.abandoned:
                    return
                if left > 1 and method in _ONLY_ASK:
                    self._unsent.wait(key)
                    self._look_again()
                    continue
                raise OSError("the connection broke off; what was asked may have been done or not") from None
            finally:
                if self._open.get(key) is exchange:
                    del self._open[key]
                exchange.close()
            return

    def _mended(self, message: Message, asked: RunInfo, status: int, refused: bytes, session: str | None) -> bool:
        """Whether a message that was refused, and not done, may be taken now."""
        if status == 404 and session is not None:
            # The server has started again and never saw this message.
            self._greet_again(session)
            return True
        if status == 401:
            # Each start of the server has a token of its own.
            return self._running() not in (None, asked)
        told = rpc_of(refused)
        not_taken = status == 503 and "jsonrpc" not in (told or {})
        if not_taken or (status >= 500 and told is None and message.get("method") in _ONLY_ASK):
            self._look_again()
            return True
        error = told.get("error") if told is not None else None
        if isinstance(error, dict) and error.get("code") == HEADER_MISMATCH and message.get("method") == "tools/call":
            before = self._params.of(message)
            with contextlib.suppress(OSError, http.client.HTTPException):
                self._learn_headers(message)
            return self._params.of(message) != before
        return False

    def _look_again(self) -> None:
        # A server that is ending still takes connections for a moment.
        self._over.wait(AGAIN_SECONDS)
        self._info = None

    def _learn_headers(self, call: Message) -> None:
        """Who speaks in lines need not know which arguments HTTP wants in headers: the list of tools tells."""
        params: Message = {"_meta": call["params"]["_meta"]}
        for page in range(_MOST_PAGES):
            asked = {"jsonrpc": "2.0", "id": f"gridbear-list-{page}", "method": "tools/list", "params": params}
            exchange, _ = self._sent(asked, json.dumps(asked).encode())
            try:
                told = [rpc_of(text) for text in messages_of(exchange.answer())]
            finally:
                exchange.close()
            result = next((one["result"] for one in told if one is not None and "result" in one), None)
            self._params.learn(result)
            cursor = result.get("nextCursor") if isinstance(result, dict) else None
            if not isinstance(cursor, str):
                return
            params = {**params, "cursor": cursor}

    def _sent(self, message: Message, line: bytes, key: str = "") -> tuple[Exchange, str | None]:
        """Send a message, looking for the server once more where it is not where it was.

        Raises TakenBack when it is a request, with that key, and was cancelled.
        """
        version = modern_version(message)
        session = None if version or message.get("method") == "initialize" else self._session
        for fresh in (False, True):
            exchange = Exchange(self._server(fresh))
            headers = self._headers(session)
            if version:
                headers = modern_headers(message, version)
                headers |= self._params.of(message) if message.get("method") == "tools/call" else {}
            self._unsent.send(key)
            try:
                exchange.send("POST", self._address(), line.strip(), headers)
                return exchange, session
            except OSError:
                exchange.close()
                if fresh:
                    raise
                self._unsent.wait(key)
        raise AssertionError("unreachable")

    def _pass_on(self, message: Message, answer: http.client.HTTPResponse) -> None:
        greeted = message.get("method") == "initialize"
        if greeted:
            self._session = answer.getheader("mcp-session-id")
        last = b""
        try:
            for last in messages_of(answer):
                if greeted:
                    self._note_version(last)
                self._out.say(last)
                self._wishes.note(message, last)
        except (OSError, http.client.HTTPException):
            if not is_answer(last):
                raise
        if "id" in message and "method" in message and not is_answer(last):
            if answer.status == 202:
                self._out.say_error(
                    message, INVALID_REQUEST, "This is no request: its id has to be a text or a whole number."
                )
            else:
                raise OSError("it ended without an answer")
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
            if self._wishes.level is not None:
                self._asked(self._wishes.level, with_session)
        for method in LISTS.values():
            self._out.notify(method)
        # Their servers may have to start first: no call waits for that.
        threading.Thread(target=self._subscribe_again, args=(with_session,), daemon=True).start()

    def _subscribe_again(self, session: str | None) -> None:
        for uri, wish in self._wishes.resources.items():
            with contextlib.suppress(OSError, http.client.HTTPException):
                self._asked(wish, session)
                self._out.notify(RESOURCE_UPDATED, {"uri": uri})

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
                            self._out.say(text)
            except (OSError, http.client.HTTPException, ValueError):
                # The server is gone for a moment: looked for again below.
                pass
            finally:
                if exchange is not None:
                    exchange.close()
            self._over.wait(AGAIN_SECONDS)

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

    def _running(self) -> RunInfo | None:
        info = self._finder.running()
        with self._looking:
            self._info = info or self._info
        return info

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
