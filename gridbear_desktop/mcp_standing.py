"""What a client asked once and expects to last: the bridge asks it again of a server that has started anew."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable

from gridbear_desktop.mcp_http import Exchange, Message, messages_of, modern_headers, modern_version, rpc_of
from gridbear_desktop.mcp_lines import Lines, is_answer
from gridbear_desktop.runfile import RunInfo

LISTENS = "subscriptions/listen"
AGAIN_SECONDS = 1.0
RESOURCE_UPDATED = "notifications/resources/updated"
LISTS = {f"{kind}ListChanged": f"notifications/{kind}/list_changed" for kind in ("tools", "resources", "prompts")}
_ACKNOWLEDGED = "notifications/subscriptions/acknowledged"
_ID = "io.modelcontextprotocol/subscriptionId"
_WISHES = frozenset(("logging/setLevel", "resources/subscribe", "resources/unsubscribe"))
_MOST_TRIES = 4


class Wishes:
    """Those of the eras with sessions, which forget them: the level of the log, and subscriptions to resources."""

    def __init__(self) -> None:
        self._level: Message | None = None
        self._resources: dict[str, Message] = {}

    def note(self, asked: Message, answer: bytes) -> None:
        """`asked` was answered with `answer`."""
        method, params = asked.get("method"), asked.get("params")
        if method not in _WISHES or not isinstance(params, dict) or "result" not in (rpc_of(answer) or {}):
            return
        uri = str(params.get("uri"))
        if method == "logging/setLevel":
            self._level = {**asked, "id": "gridbear-level"}
        elif method == "resources/subscribe":
            self._resources[uri] = {**asked, "id": f"gridbear-subscribe-{uri}"}
        else:
            self._resources.pop(uri, None)

    @property
    def level(self) -> Message | None:
        """The request for it, with an id of our own."""
        return self._level

    @property
    def resources(self) -> dict[str, Message]:
        """The requests for them, with ids of our own, by address."""
        return dict(self._resources)


class Listening:
    """One `subscriptions/listen` of the newest era: a single stream to its client, however often the server starts."""

    def __init__(
        self,
        asked: Message,
        line: bytes,
        lines: Lines,
        over: threading.Event,
        started: Callable[[bool], RunInfo],
        running: Callable[[], RunInfo | None],
        address: Callable[[], str],
    ) -> None:
        """started: finds the server, with True anew. running: starts none. address: the path of the gateway."""
        self._asked = asked
        self._line = line.strip()
        self._lines = lines
        self._over = over
        self._started = started
        self._running = running
        self._address = address
        self._exchange: Exchange | None = None
        self._cancelled = False
        self._acknowledged = False
        self._tries = 0

    def cancel(self) -> None:
        """The client wants it no more."""
        self._cancelled = True
        exchange = self._exchange
        if exchange is not None:
            exchange.abandon()

    def serve(self) -> None:
        """Pass it on, opened again after each end of the server. Raises OSError if it can't be opened at all."""
        while not (self._over.is_set() or self._cancelled):
            # Who only listens does not start a server that a person has stopped.
            info = self._running() if self._acknowledged else self._started(self._tries > 0)
            self._tries += 1
            if info is not None and not self._heard_out(info):
                return
            if not self._may_try:
                raise OSError("it ended without an answer")
            self._over.wait(AGAIN_SECONDS)

    @property
    def _may_try(self) -> bool:
        return self._acknowledged or self._tries < _MOST_TRIES

    def _heard_out(self, info: RunInfo) -> bool:
        """One stream to its end. Whether it is to be opened again."""
        exchange = self._exchange = Exchange(info)
        try:
            headers = modern_headers(self._asked, modern_version(self._asked) or "")
            exchange.send("POST", self._address(), self._line, headers)
            answer = exchange.answer()
            if answer.status >= 400:
                return self._refused(answer.status, answer.read())
            for text in messages_of(answer):
                if is_answer(text):
                    # A result is how a server that stops ends it; an error would come again.
                    if "result" in (rpc_of(text) or {}):
                        break
                    self._lines.say(text)
                    return False
                self._hear(text)
        except (OSError, http.client.HTTPException, ValueError):
            # Cancelled, or the server is gone for a moment.
            pass
        finally:
            exchange.close()
        return True

    def _refused(self, status: int, refused: bytes) -> bool:
        told = rpc_of(refused) or {}
        # Each start of the server has a token of its own; and one that stops takes nothing.
        if self._may_try and (status == 401 or (status >= 500 and "jsonrpc" not in told)):
            return True
        self._lines.refuse(self._asked, status, refused)
        return False

    def _hear(self, text: bytes) -> None:
        told = rpc_of(text) or {}
        if told.get("method") != _ACKNOWLEDGED or not self._acknowledged:
            self._acknowledged = self._acknowledged or told.get("method") == _ACKNOWLEDGED
            self._lines.say(text)
            return
        # The client knows that one already. What it listens for may have happened meanwhile.
        honoured = (told.get("params") or {}).get("notifications") or {}
        meta = {"_meta": {_ID: self._asked["id"]}}
        for name, method in LISTS.items():
            if honoured.get(name):
                self._lines.notify(method, meta)
        for uri in honoured.get("resourceSubscriptions") or ():
            self._lines.notify(RESOURCE_UPDATED, {**meta, "uri": uri})
