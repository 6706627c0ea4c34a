"""Calls that a rule wants their person to approve, on their way: whether one is such a call, and the approval of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from server.access.actor import Actor
from server.mcp_gateway.caller import Caller
from server.mcp_gateway.catalogue.tool import Tool
from server.mcp_gateway.failures import INVALID_PARAMS, CallFailed, changed_meanwhile, unknown_tool
from server.mcp_gateway.policy.approvals import Approvals
from server.mcp_gateway.policy.asked_call import AskedCall
from server.mcp_gateway.policy.rule import Served
from server.mcp_gateway.policy.tool_policy import ToolPolicy

_ROUNDS = ("inputResponses", "requestState")
"""Of a request that goes on after its client was asked for something: it is still the same request."""


class Asking:
    """Who calls with a session of their own is not asked: that would only be by themselves."""

    def __init__(self, policy: ToolPolicy, approvals: Approvals) -> None:
        self._policy = policy
        self._approvals = approvals
        self.require = approvals.require

    async def about_tool(
        self,
        caller: Caller,
        server: Served,
        identity: str,
        tool: Tool,
        arguments: dict[str, Any] | None,
        *,
        use: bool = True,
    ) -> int | None:
        """None when the call needs no approval, else that of its person, 0 when it is for more than this call.

        Raises CallFailed while there is none.
        """
        if caller.actor.kind == "user" or self._policy.effect(caller.actor, server, tool) != "ask":
            return None
        approval = await self.require(AskedCall(caller, server, identity, tool, arguments), use=use)
        # While it was looked for, a rule may have come that forbids the call.
        self.again(caller, server, tool, approval)(None)
        return approval

    def again(self, caller: Caller, server: Served, tool: Tool, approval: int | None) -> Callable[[Tool | None], None]:
        """To be asked before the call, when its server was waited for since `about_tool` gave `approval`.

        By then rules may be others, and the tool another one. It raises CallFailed where that decides otherwise.
        """

        def ask(found: Tool | None) -> None:
            now = tool if found is None else found
            effect = self._policy.effect(caller.actor, server, now)
            if effect == "deny":
                raise unknown_tool(now.public_name)
            is_other, wants = now.sealed != tool.sealed, effect == "ask" and caller.actor.kind != "user"
            if (is_other and approval is not None) or (wants and (is_other or approval is None)):
                raise changed_meanwhile(now.public_name)

        return ask

    def whole_again(self, caller: Caller, server: Served, approval: int | None) -> Callable[[Tool | None], None]:
        """The same for what is no tool."""

        def ask(_found: Tool | None) -> None:
            effect = self._policy.whole_effect(caller.actor, server)
            if effect == "deny" or (effect == "ask" and caller.actor.kind != "user" and approval is None):
                text = f"You may not use the prompts and resources of {server.name} any more, or not without approval."
                raise CallFailed(INVALID_PARAMS, text)

        return ask

    def is_about_whole(self, actor: Actor, server: Served) -> bool:
        """Whether a request for something else than a tool needs an approval."""
        return actor.kind != "user" and self._policy.whole_effect(actor, server) == "ask"

    async def about_whole(
        self, caller: Caller, server: Served, identity: str, about: Tool, params: Mapping[str, Any]
    ) -> int | None:
        """The same as `about_tool` of what is no tool."""
        if not self.is_about_whole(caller.actor, server):
            return None
        asked = {key: value for key, value in params.items() if key not in _ROUNDS}
        approval = await self.require(AskedCall(caller, server, identity, about, asked))
        self.whole_again(caller, server, approval)(None)
        return approval

    async def gone_on(self, approval: int | None, call: Awaitable[dict[str, Any]]) -> dict[str, Any]:
        """The result of a call; an approval that it has not come to the end with is given back. Raises CallFailed."""
        try:
            result = await call
        except CallFailed as failed:
            if approval and failed.not_made:
                await self._approvals.give_back(approval)
            raise
        if approval and result.get("resultType") == "input_required":
            # The same call goes on when its client has answered.
            await self._approvals.give_back(approval)
        return result
