"""The server `records`: every model that a person may use, as tools, under that person's rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from server.access.actor import Actor
from server.config import SettingsHolder
from server.errors import GridBearError, TooLarge
from server.events.bus import Bus
from server.mcp_gateway.arguments import meant, problem
from server.mcp_gateway.catalogue.tool import Tool, catalogue_of
from server.mcp_gateway.own_results import failure, refusal, result
from server.mcp_gateway.record_tools.offer import DEFAULT_ROWS, Offer
from server.mcp_gateway.record_tools.switches import MODEL, RecordToolsBehaviour, Switches
from server.mcp_gateway.wire import to_wire
from server.records.etag import etag_of
from server.records.service import Records
from server.records.values import INTEGER_MAX
from server.records.work import IfMatch, absent

RESULT_BYTES = 1_000_000
"""A page of records beyond this is refused with what to do: no client wants it in its context."""
_MOST_KNOWN = 64


class RecordsServer:
    """A virtual server of the gateway. Everything it does, `records` allows or refuses for that Actor."""

    name = "records"
    resources = None

    def __init__(self, records: Records, settings: SettingsHolder, bus: Bus) -> None:
        self._records = records
        self._settings = settings
        self._switches = Switches(records, bus)
        self._known: dict[tuple[Any, ...], dict[str, Tool]] = {}
        records.behave(MODEL, RecordToolsBehaviour(records.registry))

    def start(self) -> None:
        """Learn what an admin decided."""
        self._switches.load()

    def stop(self) -> None:
        """Listen no longer."""
        self._switches.stop()

    def tools(self, actor: Actor) -> Mapping[str, Tool]:
        """The tools of everything that `actor` may do with records, by public name."""
        if not actor.covers_server(self.name):
            return {}
        policy, days = self._records.policy, self._settings.current.trash_days
        key = policy.version, self._switches.version, days, policy.standing(actor)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            raw = [
                tool
                for spec in self._records.registry
                for tool in Offer(self._records.registry, policy, actor, spec, self._switches.of(spec), days).tools()
            ]
            known = self._known[key] = catalogue_of(self.name, raw)
        return known

    async def call(self, actor: Actor, tool: Tool, arguments: dict[str, Any] | None) -> dict[str, Any]:
        """Do it. What is refused or wrong is a result that says so."""
        schema = tool.input_schema or {}
        given = meant(schema, arguments)
        wrong = problem(schema, given)
        if wrong is not None:
            return refusal(wrong)
        verb, _, model = tool.name.partition("_")
        try:
            return result(await self._done(actor, verb, model, given))
        except GridBearError as error:
            return failure(error)

    async def _done(self, actor: Actor, verb: str, model: str, given: dict[str, Any]) -> dict[str, Any]:
        records = self._records
        if abs(given.get("id", 0)) > INTEGER_MAX:
            raise absent(records.registry.get(model), given["id"])
        match verb:
            case "search":
                return await self._search(actor, model, given)
            case "get":
                wanted = [("fields", ",".join(map(str, given["fields"])))] if given.get("fields") else []
                row = await records.read_row(actor, model, given["id"], wanted)
                return _record(row.text, row.tagged)
            case "create":
                _, text = await records.create_row(actor, model, given["values"])
                return _record(text, text)
            case "update":
                etag = given.get("etag")
                match_ = None if etag is None else _is(etag)
                text = await records.change_row(actor, model, given["id"], given["values"], if_match=match_)
                return _record(text, text)
        await records.delete(actor, model, given["id"], if_match=_is(given["etag"]))
        return {"deleted": given["id"]}

    async def _search(self, actor: Actor, model: str, given: dict[str, Any]) -> dict[str, Any]:
        pairs = [("limit", str(given.get("limit", DEFAULT_ROWS)))]
        if "domain" in given:
            # As REST gets it: what is no good in it is refused there, in words.
            pairs.append(("domain", to_wire(given["domain"]).decode()))
        pairs += [(name, given[name]) for name in ("q", "sort", "cursor") if given.get(name)]
        pairs += [(name, ",".join(map(str, given[name]))) for name in ("fields", "expand") if given.get(name)]
        page = await self._records.list_page(actor, model, pairs)
        if len(page.rows) > RESULT_BYTES:
            raise TooLarge(
                f"These records take {len(page.rows)} characters, more than {RESULT_BYTES} at once: "
                "ask for fewer (limit) or for some fields only (fields)."
            )
        answer: dict[str, Any] = {"records": orjson.loads(page.rows), "count": page.count}
        if page.next is not None:
            answer["next"] = page.next
        return answer


def _record(text: str, tagged: str) -> dict[str, Any]:
    return {"record": orjson.loads(text), "etag": etag_of(tagged)}


def _is(etag: str) -> IfMatch:
    wanted = etag.strip().removeprefix("W/").strip('"')
    return lambda present: present.strip('"') == wanted
