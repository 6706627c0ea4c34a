"""Generic CRUD over every model, as a small ASGI app of its own: FastAPI's routing would cost more than the query."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from server.access.actor import Actor
from server.asgi.body import read_body
from server.asgi.json_body import parse_object
from server.asgi.query import query_pairs, refuse_other_than
from server.asgi.replies import JSON_TYPE, PRIVATE, send_body, send_error
from server.asgi.request_key import REPLAYED, RequestKey, key_in
from server.config import SettingsHolder
from server.errors import GridBearError, MethodNotAllowed, NotFound, ValidationFailed
from server.records.etag import etag_of
from server.records.idempotency import KeyedCreates
from server.records.service import Page, Records
from server.records.values import INTEGER_MAX
from server.rest_api.conditional import if_match, is_known
from server.rest_api.gate import RestGate

Header = tuple[bytes, bytes]
Answer = tuple[int, str, list[Header]]
Handler = Callable[[Actor, Scope, Receive, str, int], Awaitable[Answer]]

PREFIX = "/api/v1/"
_EMPTY = '{"ok":true,"data":null}'


class RecordsApp:
    """Serves `/api/v1/{model}` and `/api/v1/{model}/{id}`; everything it raises ends here in the one error shape."""

    def __init__(self, records: Records, gate: RestGate, settings: SettingsHolder) -> None:
        self._records = records
        self._keyed = KeyedCreates(records)
        self._gate = gate
        self._settings = settings
        self._collection: dict[str, Handler] = {"GET": self._list, "HEAD": self._list, "POST": self._create}
        self._member: dict[str, Handler] = {
            "GET": self._read,
            "HEAD": self._read,
            "PUT": self._replace,
            "PATCH": self._update,
            "DELETE": self._delete,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            actor, limit = self._gate.enter(scope, records=True)
            model, record_id, handlers = self._route(scope["path"])
            handler = handlers.get(scope["method"])
            if handler is None:
                raise MethodNotAllowed(f"{scope['method']} is not possible here.", tuple(handlers))
            status, text, headers = await handler(actor, scope, receive, model, record_id)
        except GridBearError as error:
            await send_error(error, scope, receive, send)
            return
        except ClientDisconnect:
            return
        with_body = scope["method"] != "HEAD"
        await send_body(send, status, text.encode(), [JSON_TYPE, PRIVATE, limit, *headers], with_body=with_body)

    def _route(self, path: str) -> tuple[str, int, dict[str, Handler]]:
        model, _, rest = path[len(PREFIX) :].partition("/")
        if not rest and not path.endswith("/"):
            self._records.registry.get(model)
            return model, 0, self._collection
        self._records.registry.get(model)
        if not rest.isascii() or not rest.isdigit() or len(rest) > 19 or int(rest) > INTEGER_MAX:
            raise NotFound(f"{rest!r} is no record id; ids are whole numbers.")
        return model, int(rest), self._member

    async def _list(self, actor: Actor, scope: Scope, _receive: Receive, model: str, _record_id: int) -> Answer:
        page = await self._records.list_page(actor, model, query_pairs(scope))
        text = page_text(page)
        return _tagged(scope, text, etag_of(text))

    async def _read(self, actor: Actor, scope: Scope, _receive: Receive, model: str, record_id: int) -> Answer:
        row = await self._records.read_row(actor, model, record_id, query_pairs(scope))
        return _tagged(scope, f'{{"ok":true,"data":{row.text}}}', etag_of(row.tagged), expanded=row.expanded)

    async def _create(self, actor: Actor, scope: Scope, receive: Receive, model: str, _record_id: int) -> Answer:
        key = _upsert_key(query_pairs(scope))
        body = await read_body(receive, scope, self._settings.current.rest_body_bytes)
        values = parse_object(body)
        sent_with = key_in(scope["headers"])
        if sent_with is not None:
            return await self._create_once(actor, model, values, _once(sent_with, model, body, key))
        if key is None:
            status, (record_id, row) = 201, await self._records.create_row(actor, model, values)
        else:
            record_id, row, created = await self._records.upsert_row(actor, model, key, values)
            status = 201 if created else 200
        return self._created(status, model, record_id, row)

    async def _create_once(self, actor: Actor, model: str, values: dict[str, Any], key: RequestKey) -> Answer:
        made = await self._keyed.create_row(actor, model, values, key)
        status, text, headers = self._created(201, model, made.record_id, made.text)
        return status, text, [*headers, REPLAYED] if made.replayed else headers

    def _created(self, status: int, model: str, record_id: int, row: str) -> Answer:
        location = f"{self._settings.current.base_path}{PREFIX}{model}/{record_id}".encode()
        headers = [(b"location", location), (b"etag", etag_of(row).encode())]
        return status, f'{{"ok":true,"data":{row}}}', headers

    async def _replace(self, actor: Actor, scope: Scope, receive: Receive, model: str, record_id: int) -> Answer:
        return await self._change(actor, scope, receive, model, record_id, replace=True)

    async def _update(self, actor: Actor, scope: Scope, receive: Receive, model: str, record_id: int) -> Answer:
        return await self._change(actor, scope, receive, model, record_id, replace=False)

    async def _change(
        self, actor: Actor, scope: Scope, receive: Receive, model: str, record_id: int, *, replace: bool
    ) -> Answer:
        _no_parameters(scope)
        values = parse_object(await read_body(receive, scope, self._settings.current.rest_body_bytes))
        row = await self._records.change_row(actor, model, record_id, values, replace=replace, if_match=if_match(scope))
        return 200, f'{{"ok":true,"data":{row}}}', [(b"etag", etag_of(row).encode())]

    async def _delete(self, actor: Actor, scope: Scope, _receive: Receive, model: str, record_id: int) -> Answer:
        _no_parameters(scope)
        await self._records.delete(actor, model, record_id, if_match=if_match(scope))
        return 200, _EMPTY, []


def _upsert_key(pairs: list[tuple[str, str]]) -> list[str] | None:
    """The unique field of `?upsert=`, None without. Raises ValidationFailed for any other parameter."""
    refuse_other_than(("upsert",), pairs)
    return pairs[-1][1].split(",") if pairs else None


def _once(sent: bytes, model: str, body: bytes, upsert: list[str] | None) -> RequestKey:
    if upsert is not None:
        raise ValidationFailed.of("upsert", "not_with_a_key", "send no Idempotency-Key: to repeat it changes nothing")
    return RequestKey.of(sent, model, body)


def _no_parameters(scope: Scope) -> None:
    # `dry_run`, which others know, must not be taken for a promise here.
    refuse_other_than((), query_pairs(scope))


def page_text(page: Page) -> str:
    """A page of rows in its envelope."""
    count = "" if page.count is None else f',"count":{page.count}'
    following = "" if page.next is None else f',"next":"{page.next}"'
    return f'{{"ok":true,"data":{page.rows}{count}{following}}}'


def _tagged(scope: Scope, text: str, etag: str, *, expanded: bool = False) -> Answer:
    known = not expanded and is_known(scope, etag)
    return 304 if known else 200, text, [(b"etag", etag.encode())]
