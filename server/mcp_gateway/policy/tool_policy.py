"""Who may call which tool: scopes, what a client left out, rules, and a server's own visibility. The one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from server.access.actor import SYSTEM, Actor
from server.events.bus import Bus
from server.mcp_gateway.catalogue.tool import Tool
from server.mcp_gateway.policy.hints import is_within
from server.mcp_gateway.policy.rule import Effect, Rule, Served
from server.records.service import Records

MODEL = "mcp_rules"
_MOST_KNOWN = 4096


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a question, and the one thing that decided it."""

    effect: Effect
    because: str
    rule_id: int | None = None


class ToolPolicy:
    """Answers from memory. All methods run on the event loop."""

    def __init__(self, records: Records, bus: Bus) -> None:
        self._records = records
        self._rules: tuple[Rule, ...] = ()
        self._known: dict[tuple[Any, ...], tuple[Rule, ...]] = {}
        self.stop: Callable[[], None] = bus.subscribe(lambda _event: self.load(), (MODEL,))

    def load(self) -> None:
        """Put what is stored in force."""
        self._rules = tuple(Rule.of(row) for row in self._records.all_now(SYSTEM, MODEL))
        self._known.clear()

    def reaches(self, actor: Actor, server: Served) -> bool:
        """Whether `actor` may know of the server: there may be tools of it for them."""
        if not actor.is_signed_in or not actor.covers_server(server.name) or self._is_shut(server):
            return False
        rules = self._rules_for(actor, server)
        if not rules:
            return server.shown
        if any(rule.effect == "deny" and rule.is_whole for rule in rules):
            return False
        return server.shown or any(rule.effect == "allow" for rule in rules)

    def reaches_whole(self, actor: Actor, server: Served) -> bool:
        """The same for what is no tool, such as prompts and resources: a credential for one tool has none of it."""
        if not self.reaches(actor, server) or not (actor.has_scope("mcp") or f"mcp:{server.name}" in actor.scopes):
            return False
        return server.shown or any(rule.effect == "allow" and rule.is_whole for rule in self._rules_for(actor, server))

    def whole_effect(self, actor: Actor, server: Served) -> Effect:
        """What a request for something else than a tool comes to: the rules about all that a server offers."""
        if not self.reaches_whole(actor, server):
            return "deny"
        rules = [rule for rule in self._rules_for(actor, server) if rule.is_whole]
        narrowest = max(rules, key=lambda rule: (rule.narrowness, rule.effect == "ask"), default=None)
        return "ask" if narrowest is not None and narrowest.effect == "ask" else "allow"

    def effect(self, actor: Actor, server: Served, tool: Tool) -> Effect:
        """What a call comes to. `ask` is for programs; somebody who calls with a session has decided already."""
        if not self._rules and server.shown and not server.owned and not actor.tool_limits and actor.has_scope("mcp"):
            return "allow"
        return self.verdict(actor, server, tool).effect

    def usable(self, actor: Actor, server: Served, tools: Mapping[str, Tool]) -> Mapping[str, Tool]:
        """The tools of a server that `actor` may call, asked or not."""
        left = {name: tool for name, tool in tools.items() if self.effect(actor, server, tool) != "deny"}
        return tools if len(left) == len(tools) else left

    def verdict(self, actor: Actor, server: Served, tool: Tool) -> Verdict:
        """The same with its reason."""
        if not actor.is_signed_in:
            return Verdict("deny", "nobody is signed in")
        if self._is_shut(server):
            return Verdict("deny", "it is somebody's own server, or people may have none (mcp_own_servers)")
        if not (actor.covers_tool(server.name, tool.name) or actor.covers_tool(server.name, tool.own_name)):
            return Verdict("deny", "the scopes of the credential do not cover it")
        if not is_within(tool.raw, actor.tool_limits):
            return Verdict("deny", "the client left such tools out by its address")
        rules = [rule for rule in self._rules_for(actor, server) if rule.names(tool)]
        for rule in rules:
            if rule.effect == "deny":
                return Verdict("deny", "a rule forbids it", rule.rule_id)
        opening = [rule for rule in rules if rule.effect == "allow"]
        if not server.shown and not opening:
            return Verdict("deny", "the server is not for them, and no rule allows it")
        if not rules:
            return Verdict("allow", "the server is for them")
        # Of two that are equally narrow, the one that asks.
        narrowest = max(rules, key=lambda rule: (rule.narrowness, rule.effect == "ask"))
        if narrowest.effect == "ask":
            return Verdict("ask", "a rule wants the person's approval", narrowest.rule_id)
        return Verdict("allow", "a rule allows it", narrowest.rule_id)

    def rules_about(self, actor: Actor, server: Served, tool: Tool) -> list[Rule]:
        """Every rule that has a say."""
        return [rule for rule in self._rules_for(actor, server) if rule.names(tool)]

    def _is_shut(self, server: Served) -> bool:
        """Whether it is a person's own server, and not the caller's, or people may have none now."""
        return server.owned and not (server.shown and self._records.shelf.settings.current.mcp_own_servers)

    def _rules_for(self, actor: Actor, server: Served) -> tuple[Rule, ...]:
        if not self._rules:
            return ()
        groups = self._records.policy.groups_of(actor)
        credential = actor.credential_id if actor.kind == "token" and not actor.is_app else None
        key = (actor.user_id, actor.role, actor.kind == "user", credential, groups, server.name, server.server_id)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            known = self._known[key] = tuple(
                rule for rule in self._rules if rule.is_about(server) and rule.is_for(actor, groups)
            )
        return known
