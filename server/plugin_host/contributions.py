"""Everything that plugins bring beside models, in the order in which it comes into force."""

from __future__ import annotations

from server.asgi.replies import send_error
from server.config import SettingsHolder
from server.events.bus import Bus
from server.mcp_gateway.gateway import Gateway
from server.plugin_host.channels import PluginChannels
from server.plugin_host.hooks_contribution import PluginHooks
from server.plugin_host.host import PluginHost
from server.plugin_host.live import LivePlugin
from server.plugin_host.mount import ActorFor
from server.plugin_host.pages_contribution import PluginPages
from server.plugin_host.routes_contribution import PluginRoutes
from server.plugin_host.servers_contribution import PluginMcpServers
from server.plugin_host.skills_contribution import PluginSkills
from server.plugin_host.tasks_contribution import PluginTasks
from server.plugin_host.tools_contribution import PluginTools
from server.records.files import Files
from server.records.service import Records
from server.tasks.queue import Tasks
from server.tasks.schedules import Schedules


async def serve_plugins(
    host: PluginHost,
    *,
    records: Records,
    files: Files,
    settings: SettingsHolder,
    bus: Bus,
    tasks: Tasks,
    schedules: Schedules,
    gateway: Gateway,
    pages: PluginPages,
    channels: PluginChannels,
    actor_for: ActorFor,
) -> PluginRoutes:
    """Take in what the running plugins bring, and from now on of every one that starts. Returns what serves /api/."""
    failed = host.failed
    routes = PluginRoutes(settings, actor_for=actor_for, send_error=send_error, when_it_fails=failed)

    async def lend(plugin: LivePlugin) -> None:
        plugin.context.files_by(files)
        plugin.context.notification_kinds = frozenset(plugin.manifest.notification_kinds)
        plugin.stack.push_async_callback(plugin.context.close)

    await host.serve(
        (
            lend,
            PluginTasks(tasks, schedules, settings, failed).contribute,
            PluginHooks(records, bus, failed).contribute,
            PluginTools(gateway, failed).contribute,
            PluginMcpServers(gateway.plugin_servers).contribute,
            PluginSkills(gateway).contribute,
            channels.contribute,
            pages.contribute,
            routes.contribute,
        )
    )
    return routes
