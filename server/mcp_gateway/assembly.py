"""The gateway's parts, put together in the order in which they start and end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.auth.endings import Endings
from server.config import SettingsHolder
from server.events.bus import Bus
from server.mcp_gateway.activity.activity import Activity
from server.mcp_gateway.asked_calls import AskedCalls
from server.mcp_gateway.behaviour import McpServerBehaviour
from server.mcp_gateway.builtin_tools.builtins import Builtins
from server.mcp_gateway.builtin_tools.definitions import TOOLS
from server.mcp_gateway.caller import Caller
from server.mcp_gateway.catalogue.desk import ToolDesk
from server.mcp_gateway.catalogue.own_tools import MODEL as OWN_TOOLS
from server.mcp_gateway.catalogue.own_tools import OwnTools
from server.mcp_gateway.catalogue.store import ToolCatalogue
from server.mcp_gateway.endpoint.door import Authenticate, GatewayEndpoint
from server.mcp_gateway.gateway import Gateway
from server.mcp_gateway.hosted_desk import OwnToolDesk
from server.mcp_gateway.importing.server_import import ServerImport
from server.mcp_gateway.messages.message_desk import MessageDesk
from server.mcp_gateway.policy.approvals import Approvals
from server.mcp_gateway.policy.explain import ToolExplainer
from server.mcp_gateway.policy.rule_behaviour import McpRuleBehaviour
from server.mcp_gateway.policy.tool_policy import MODEL as RULES
from server.mcp_gateway.policy.tool_policy import ToolPolicy
from server.mcp_gateway.record_tools.records_server import RecordsServer
from server.mcp_gateway.record_tools.switches import MODEL as RECORD_TOOLS
from server.mcp_gateway.relay.relay import Relay
from server.mcp_gateway.relay.subscriptions import Subscriptions
from server.mcp_gateway.relay.updates import ResourceUpdates
from server.mcp_gateway.server_desk import ServerDesk
from server.mcp_gateway.sign_in.sign_ins import SignIns
from server.mcp_gateway.upstreams.pool import MODEL as SERVERS
from server.records.service import Records
from server.tasks.queue import Tasks


class McpGateway:
    """All of it: `endpoint` is the ASGI app of /mcp, `gateway` what the routes under /api/v1 ask."""

    def __init__(
        self,
        records: Records,
        settings: SettingsHolder,
        bus: Bus,
        tasks: Tasks,
        authenticate: Authenticate,
        endings: Endings,
    ) -> None:
        self.sign_ins = SignIns(records)
        self.activity = Activity(records, settings, bus)
        self.policy = ToolPolicy(records, bus)
        self.catalogue = ToolCatalogue(records, settings, bus)
        self.approvals = Approvals(records, settings, self.activity.log.redactor)
        self.own_tools = OwnTools(records, bus)
        records.behave(
            RULES,
            McpRuleBehaviour(records, self.catalogue, self.own_tools, lambda: self.gateway.own_names()),
        )
        self.gateway = Gateway(
            records,
            settings,
            bus,
            self.sign_ins,
            self.activity,
            self.policy,
            self.catalogue,
            self.approvals,
            self.own_tools,
        )
        records.behave(SERVERS, McpServerBehaviour(settings, self.gateway.plugin_servers))
        self.server_desk = ServerDesk(self.gateway, self.activity)
        self.explainer = ToolExplainer(
            records, self.gateway, self.server_desk, self.catalogue, self.policy, self.own_tools
        )
        self.tool_desk = ToolDesk(records, self.catalogue, self.gateway)
        self.own_desk = OwnToolDesk(records, self.own_tools, self.gateway.hosted)
        self.message_desk = MessageDesk(records, self.gateway, self.activity.log.redactor, endings)
        self.records_server = RecordsServer(records, settings, bus)
        self.gateway.host(self.records_server)
        self.imports = ServerImport(records, self.gateway.own_names)
        self.builtins = Builtins(self.gateway, tasks, self.activity)
        self.relay = relay = Relay(self.gateway, self.activity)
        self.subscriptions = Subscriptions(self.gateway, relay, self.activity)
        # Heard after those whose answers change by it.
        self._deaf = bus.subscribe(
            lambda _event: self.gateway.notices.lists_changed(), (RULES, RECORD_TOOLS, OWN_TOOLS)
        )
        self.endpoint = GatewayEndpoint(
            self.gateway, self.builtins, relay, self.subscriptions, settings, records, authenticate, endings
        )
        self.updates = ResourceUpdates(self.gateway, self.subscriptions, endings)
        self.asked_calls = AskedCalls(self.call, endings)

    async def start(self) -> None:
        """Learn the configured servers, and which models are offered as tools."""
        self.activity.log.start()
        self.records_server.start()
        self.policy.load()
        self.catalogue.load()
        self.own_tools.load()
        await self.gateway.start()

    async def call(
        self, caller: Caller, name: str, arguments: dict[str, Any], more: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Call a tool by its public name, one of the gateway's own included. Raises CallFailed.

        `more`: the answers to what its server asked for before.
        """
        server = self.builtins if name in TOOLS else self.gateway
        return await server.call(caller, name, arguments, None, more)

    def stop_streams(self) -> None:
        """End what stays open for long; at /mcp new requests are refused."""
        self.endpoint.end()
        self._end_streams()

    async def stop(self) -> None:
        """End every session, connection and child."""
        self._end_streams()
        await self.endpoint.stop()
        await self.asked_calls.stop()
        self._deaf()
        await self.subscriptions.stop()
        self.sign_ins.stop()
        await self.gateway.stop()
        await self.sign_ins.settle()
        self.policy.stop()
        await self.catalogue.stop()
        self.own_tools.stop()
        self.records_server.stop()
        await self.activity.log.stop()

    def _end_streams(self) -> None:
        self.updates.streams.end()
        self.message_desk.streams.end()
