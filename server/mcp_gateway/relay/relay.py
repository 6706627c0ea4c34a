"""Prompts, resources and completions on their way between a caller and the servers that they may use."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from server.mcp_gateway.activity.activity import Activity
from server.mcp_gateway.caller import Caller
from server.mcp_gateway.catalogue.names import public_name
from server.mcp_gateway.catalogue.tool import Tool
from server.mcp_gateway.failures import INVALID_PARAMS, CallFailed, unknown_prompt, unknown_resource
from server.mcp_gateway.gateway import COMPLETE, Gateway
from server.mcp_gateway.own_texts import OwnText
from server.mcp_gateway.policy.asked_call import thing
from server.mcp_gateway.relay.offers import FIELDS, KEYS, Item, Kind, Offers
from server.mcp_gateway.relay.uris import fits, ui_resources
from server.mcp_gateway.upstreams.notices import PROMPTS_CHANGED, RESOURCES_CHANGED, Notice, Origin
from server.mcp_gateway.upstreams.upstream import Upstream

Params = Mapping[str, Any]
_OF_RESOURCES: tuple[Kind, ...] = ("resources", "templates")
_MOST_TOLD_SECONDS = 60.0
PROMPT_REF, RESOURCE_REF = "ref/prompt", "ref/resource"


class Relay:
    """Asks the gateway, for each list and each request anew, which servers a caller may use.

    On the address of one server names and URIs are its own. On that of all, prompts are named as tools are, and URIs
    stay as they are: they come back inside of results, where no prefix would be found and taken off. Of two servers
    with one URI the first by name has it; the other's is read at its own address.
    """

    def __init__(self, gateway: Gateway, activity: Activity) -> None:
        self._gateway = gateway
        self._activity = activity
        self._offers: WeakKeyDictionary[Origin, Offers] = WeakKeyDictionary()
        gateway.notices.listen(self._hear)

    def offers(self, upstream: Upstream) -> Offers:
        """What is known of a connection."""
        found = self._offers.get(upstream)
        if found is None:
            found = self._offers[upstream] = Offers(upstream)
        return found

    async def capabilities(self, caller: Caller) -> dict[str, Any]:
        """What the endpoint offers, as far as its servers do; one that never ran yet may have everything."""
        upstreams = self._gateway.visible_whole(caller.actor)
        if caller.server is not None:
            upstreams = [upstream for upstream in upstreams if upstream.config.name == caller.server]
            for upstream in upstreams:
                if upstream.introduction.capabilities is None:
                    with contextlib.suppress(CallFailed):
                        await upstream.open(self._gateway.list_wait)
        found: dict[str, Any] = {"tools": {"listChanged": True}}
        for capability in ("prompts", "resources", "completions", "logging"):
            if any(upstream.introduction.may_offer(capability) for upstream in upstreams):
                found[capability] = {"listChanged": True} if capability in ("prompts", "resources") else {}
        if self._gateway.hosted.resources(caller.actor, caller.server):
            found["resources"] = {"listChanged": True}
        if self._gateway.own_texts.of(caller.actor, caller.server):
            found |= {name: {"listChanged": True} for name in ("prompts", "resources")}
        if "resources" in found:
            found["resources"]["subscribe"] = True
        return found

    def instructions(self, caller: Caller) -> str | None:
        """What the server of this endpoint says to models about all of it, for who may use it for more than tools."""
        if caller.server is None:
            return None
        own = (up for up in self._gateway.visible_whole(caller.actor) if up.config.name == caller.server)
        return next((upstream.offered.instructions for upstream in own), None)

    def set_log_level(self, caller: Caller, level: str) -> None:
        """A client wants to hear what its servers log, from this level on."""
        for upstream in self._gateway.visible_whole(caller.actor):
            if caller.server in (None, upstream.config.name):
                upstream.log.want(level)

    def folders_changed(self, caller: Caller) -> None:
        """A client of the older eras has other folders now; heard by servers on a connection of its person's own."""
        for upstream in self._gateway.visible(caller.actor):
            if caller.server in (None, upstream.config.name) and upstream.config.person is not None:
                upstream.folders.changed(caller)

    async def listed(self, caller: Caller, kind: Kind) -> dict[str, Any]:
        """The result of a list, of all servers in the order of their names."""
        found: dict[str, Item] = {}
        lists = await self._all(caller, kind)
        for upstream, items in lists:
            for item in items:
                key = item[KEYS[kind]]
                if kind == "prompts" and caller.server is None:
                    key = public_name(upstream.config.name, key)
                found.setdefault(key, {**item, KEYS[kind]: key})
        for item in await self._hosted(caller, kind):
            found.setdefault(item[KEYS[kind]], item)
        if kind != "templates":
            for text in self._gateway.own_texts.of(caller.actor, caller.server):
                item = text.listed(kind)
                if kind == "prompts":
                    item["name"] = _prompt_name(caller, text)
                found.setdefault(item[KEYS[kind]], item)
        result: dict[str, Any] = {FIELDS[kind]: list(found.values())}
        if caller.server is not None and lists:
            result["ttlMs"] = told_ttl(min(self.offers(upstream).fresh_for(kind) for upstream, _ in lists))
        return result

    async def prompt(self, caller: Caller, params: Params, meta: Params | None) -> dict[str, Any]:
        """The result of prompts/get. Raises CallFailed."""
        name = str(params.get("name", ""))
        with self._activity.watch(caller, f"prompts/get {name}", params.get("arguments")) as call:
            if (text := self._own_text(caller, lambda it: _prompt_name(caller, it) == name)) is not None:
                call.of(text.server, f"prompts/get {text.name}")
                await self._gateway.read_own(caller, text.server, text.uri, text.version, "prompts/get")
                return call.answered(text.as_prompt())
            upstream, own = await self._of_prompt(caller, name)
            call.of(upstream.config.name, f"prompts/get {own}")
            return call.answered(await self._ask(caller, upstream, "prompts/get", own, {**params, "name": own}, meta))

    async def resource(self, caller: Caller, params: Params, meta: Params | None) -> dict[str, Any]:
        """The result of resources/read. Raises CallFailed."""
        uri = str(params.get("uri", ""))
        with self._activity.watch(caller, f"resources/read {uri}", None) as call:
            own = self._gateway.hosted.resource_at(caller.actor, uri, caller.server)
            if own is not None:
                server, resources = own
                call.of(server, f"resources/read {uri}")
                await self._gateway.read_own(caller, server, uri, resources.version)
                return call.answered(await resources.read(caller.actor, uri, modern=caller.modern))
            if (text := self._own_text(caller, lambda it: it.uri == uri)) is not None:
                call.of(text.server, f"resources/read {uri}")
                await self._gateway.read_own(caller, text.server, uri, text.version)
                return call.answered(text.as_resource())
            upstream = await self.of_resource(caller, uri)
            call.of(upstream.config.name, f"resources/read {uri}")
            return call.answered(await self._ask(caller, upstream, "resources/read", uri, params, meta))

    async def completion(self, caller: Caller, params: Params, meta: Params | None) -> dict[str, Any]:
        """The result of completion/complete. Raises CallFailed."""
        ref = params.get("ref")
        kind = ref.get("type") if isinstance(ref, Mapping) else None
        with self._activity.watch(caller, COMPLETE, params) as call:
            if not isinstance(ref, Mapping) or kind not in (PROMPT_REF, RESOURCE_REF):
                raise CallFailed(INVALID_PARAMS, f"A completion is of a {PROMPT_REF} or a {RESOURCE_REF}.")
            if kind == PROMPT_REF:
                upstream, own = await self._of_prompt(caller, str(ref.get("name", "")))
                params = {**params, "ref": {**ref, "name": own}}
            else:
                upstream = await self.of_resource(caller, str(ref.get("uri", "")))
            call.of(upstream.config.name, COMPLETE)
            return call.answered(await self._ask(caller, upstream, COMPLETE, None, params, meta))

    async def of_resource(self, caller: Caller, uri: str) -> Upstream:
        """Whose resource, or template, a URI is. Raises CallFailed."""
        if self._gateway.hosted.resource_at(caller.actor, uri, caller.server) is not None:
            raise CallFailed(INVALID_PARAMS, f"Nothing more than reading is possible with {uri}.")
        if caller.server is not None:
            return self._of_server(caller, caller.server)
        offers = [self.offers(upstream) for upstream in self._gateway.visible_whole(caller.actor)]
        known = all(one.is_known("resources") and one.is_known("templates") for one in offers)
        for fresh in (False, True) if known else (True,):
            if fresh:
                await asyncio.gather(*(self._all(caller, kind) for kind in _OF_RESOURCES))
            found = _first(offers, uri)
            if found is not None:
                return found
        raise unknown_resource(uri, modern=caller.modern)

    def about(self, upstream: Upstream, method: str, name: str) -> Tool:
        """What a request gets, as its person is asked about it: a prompt or a resource, as its server listed it."""
        kind: Kind = "prompts" if method == "prompts/get" else "resources"
        known = next((one for one in self.offers(upstream).known(kind) if one[KEYS[kind]] == name), None)
        return thing(upstream.config.name, method, name, known)

    def _hear(self, notice: Notice) -> None:
        offers = None if notice.upstream is None else self._offers.get(notice.upstream)
        if offers is None:
            return
        if notice.method == PROMPTS_CHANGED:
            offers.forget("prompts")
        elif notice.method == RESOURCES_CHANGED:
            offers.forget("resources")

    async def _of_prompt(self, caller: Caller, name: str) -> tuple[Upstream, str]:
        if caller.server is not None:
            return self._of_server(caller, caller.server), name
        for upstream in self._gateway.visible_whole(caller.actor):
            server = upstream.config.name
            if not name.startswith(f"{server}__"):
                continue
            offers = self.offers(upstream)
            for fresh in (False, True):
                items = await offers.items("prompts", upstream.start.seconds) if fresh else offers.known("prompts")
                for item in items:
                    if public_name(server, item["name"]) == name:
                        return upstream, item["name"]
            if (refusal := upstream.refusal()) is not None:
                raise refusal
        raise unknown_prompt(name)

    def _own_text(self, caller: Caller, is_it: Callable[[OwnText], bool]) -> OwnText | None:
        return next((it for it in self._gateway.own_texts.of(caller.actor, caller.server) if is_it(it)), None)

    def _of_server(self, caller: Caller, server: str) -> Upstream:
        for upstream in self._gateway.visible_whole(caller.actor):
            if upstream.config.name == server:
                return upstream
        raise CallFailed(INVALID_PARAMS, f"You may not use the prompts and resources of {server}.")

    async def _all(self, caller: Caller, kind: Kind) -> list[tuple[Upstream, Sequence[Item]]]:
        upstreams = self._gateway.visible_whole(caller.actor)
        if caller.server is not None:
            upstreams = [upstream for upstream in upstreams if upstream.config.name == caller.server]
        lists = await asyncio.gather(*(self._listed_by(upstream, caller, kind) for upstream in upstreams))
        return list(zip(upstreams, lists, strict=True))

    async def _listed_by(self, upstream: Upstream, caller: Caller, kind: Kind) -> Sequence[Item]:
        # One that is started for it may ask for folders.
        with upstream.folders.coming(caller):
            return await self.offers(upstream).items(kind, self._gateway.list_wait)

    async def _hosted(self, caller: Caller, kind: Kind) -> list[Item]:
        """What servers of this program have of a kind: they come after all others."""
        own = [resources for _, resources in self._gateway.hosted.resources(caller.actor, caller.server)]
        if kind == "templates":
            return [item for resources in own for item in resources.templates()]
        if kind != "resources":
            return []
        lists = await asyncio.gather(*(resources.listed(caller.actor) for resources in own))
        return [item for items in lists for item in items]

    async def _ask(
        self, caller: Caller, upstream: Upstream, method: str, about: str | None, params: Params, meta: Params | None
    ) -> dict[str, Any]:
        given = {key: value for key, value in params.items() if key != "_meta"}
        asked = None if about is None else self.about(upstream, method, about)
        return await self._gateway.request(caller, upstream, method, given, meta, asked)


def told_ttl(seconds: float) -> int:
    """The `ttlMs` of a list for a client: what its server says, but a rule or a switch shows within a minute."""
    return int(min(seconds, _MOST_TOLD_SECONDS) * 1000)


def _prompt_name(caller: Caller, text: OwnText) -> str:
    return text.name if caller.server is not None else public_name(text.server, text.name)


def _first(offers: Sequence[Offers], uri: str) -> Upstream | None:
    """Whose a URI is, as last listed: who has it in a list comes before whose template it fits."""
    for one in offers:
        if any(item["uri"] == uri for item in one.known("resources")):
            return one.upstream
    for one in offers:
        if any(item["uriTemplate"] == uri or fits(item["uriTemplate"], uri) for item in one.known("templates")):
            return one.upstream
    for one in offers:
        upstream = one.upstream
        if uri in upstream.requests.links or uri in ui_resources(upstream.known_tools.values()):
            return upstream
    return None
