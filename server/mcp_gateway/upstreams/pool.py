"""All upstreams of this installation: made from their records, replaced when a record, secret or sign-in changes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from server.access.actor import SYSTEM, Actor
from server.config import SettingsHolder
from server.errors import Conflict, NotFound
from server.events.bus import Bus, RecordChanged
from server.mcp_gateway.catalogue.store import ToolCatalogue
from server.mcp_gateway.messages.watches import MessageWatches
from server.mcp_gateway.policy.own_servers import address_problem, is_listed_host
from server.mcp_gateway.sign_in.sign_ins import MODEL as SIGN_INS
from server.mcp_gateway.sign_in.sign_ins import SignIns
from server.mcp_gateway.upstreams.config import LaunchSpec, ServerConfig
from server.mcp_gateway.upstreams.notices import Notices
from server.mcp_gateway.upstreams.process_guardian import Guardian
from server.mcp_gateway.upstreams.programs import Programs
from server.mcp_gateway.upstreams.references import SecretValue, refers_to_secrets, resolved
from server.mcp_gateway.upstreams.surroundings import Surroundings
from server.mcp_gateway.upstreams.upstream import Upstream
from server.mcp_gateway.upstreams.vigil import Vigil
from server.records.service import Records
from server.safe_mode import refuse_in_safe_mode

MODEL = "mcp_servers"
SECRETS = "secrets"


class UpstreamPool:
    """Owns the connections; whether somebody may use one is not its question."""

    def __init__(
        self,
        records: Records,
        settings: SettingsHolder,
        bus: Bus,
        sign_ins: SignIns,
        catalogue: ToolCatalogue,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.notices = Notices()
        self.watches = MessageWatches(clock)
        self._records = records
        self._sign_ins = sign_ins
        self._catalogue = catalogue
        self._around = Surroundings(
            settings=settings,
            launch_spec=self._launch_spec,
            guardian=Guardian(),
            programs=Programs(),
            clock=clock,
            vigil=Vigil(clock),
            notices=self.notices,
            watches=self.watches,
        )
        self._shared: dict[int, Upstream] = {}
        self._by_name: dict[str, Upstream] = {}
        self._personal: dict[tuple[int, int], Upstream] = {}
        """Connections of one person each, by server and person."""
        self._referring: set[int] = set()
        """Servers that named a secret at their last start."""
        self._plugins: dict[str, SecretValue] = {}
        """The plugins whose servers are in force, with where their secrets come from."""
        self._reload_lock = asyncio.Lock()
        self._reloads: set[asyncio.Task[None]] = set()
        self._gone: list[Callable[[str], None]] = []
        catalogue.on_changed(self._tools_changed)
        self._unsubscribe = bus.subscribe(self._changed, (MODEL, SECRETS, SIGN_INS))

    async def start(self) -> None:
        """Learn the configured servers. None is started before somebody asks for it."""
        for row in await self._records.find(SYSTEM, MODEL):
            config = ServerConfig.of(row)
            if self._is_in_force(config):
                self._shared[config.id] = self._upstream(config)
        self._index()

    async def stop(self) -> None:
        """End every connection and child."""
        self._unsubscribe()
        # A reload may be about to end an old child; left half way, that child would stay.
        await asyncio.gather(*self._reloads, return_exceptions=True)
        for upstream in self.connections():
            upstream.retire()
        await asyncio.gather(*(upstream.stop() for upstream in self.connections()), return_exceptions=True)
        self.watches.stop()
        await asyncio.to_thread(self._around.guardian.stop)

    def on_gone(self, callback: Callable[[str], None]) -> None:
        """Call `callback` with the name of a server that was changed, renamed or deleted."""
        self._gone.append(callback)

    def servers(self) -> list[Upstream]:
        """One connection for each server: the shared one."""
        return list(self._shared.values())

    def named(self, name: str | None) -> Upstream | None:
        """The shared connection of the server with this name."""
        return None if name is None else self._by_name.get(name)

    def connections(self) -> list[Upstream]:
        """Every connection, those of single persons included."""
        return [*self._shared.values(), *self._personal.values()]

    def of_id(self, server_id: int) -> Upstream | None:
        """The shared connection of a server."""
        return self._shared.get(server_id)

    def of(self, actor: Actor, upstream: Upstream) -> Upstream:
        """The connection that `actor` uses: their own where everybody signs in for themselves."""
        config, person = upstream.config, actor.user_id
        if not config.signs_in_each or person is None:
            return upstream
        if (config.id, person) not in self._personal:
            self._personal[config.id, person] = self._upstream(replace(config, person=person))
        return self._personal[config.id, person]

    def used_by(self, actor: Actor, upstream: Upstream) -> Upstream:
        """The same, but none is made: the shared one where `actor` has not used their own yet."""
        return self._personal.get((upstream.config.id, actor.user_id or 0), upstream)

    async def begin_plugin(self, plugin: str, secret: SecretValue) -> None:
        """Take in the servers that a plugin brings. `secret` gives one of its secrets."""
        self._plugins[plugin] = secret
        await self._reload_of(plugin)

    async def end_plugin(self, plugin: str) -> None:
        """End the servers that a plugin brings; their records stay."""
        self._plugins.pop(plugin, None)
        await self._reload_of(plugin)

    # Parts

    def _index(self) -> None:
        self._by_name = {upstream.config.name: upstream for upstream in self._shared.values()}

    def _is_in_force(self, config: ServerConfig) -> bool:
        return config.plugin is None or config.plugin in self._plugins

    async def _reload_of(self, plugin: str) -> None:
        # What was just stored is on its way to here by itself.
        await asyncio.gather(*self._reloads, return_exceptions=True)
        for row in await self._records.find(SYSTEM, MODEL, where={"plugin": plugin}):
            present = self._shared.get(row["id"])
            wanted = ServerConfig.of(row)
            if (present is not None and present.config == wanted) is not self._is_in_force(wanted):
                await self._reload(row["id"])

    def _upstream(self, config: ServerConfig) -> Upstream:
        return Upstream(config, self._around, self._catalogue)

    def _tools_changed(self, server_id: int) -> None:
        for upstream in self.connections():
            if upstream.config.id == server_id:
                upstream.tell_tools_changed()

    async def _launch_spec(self, config: ServerConfig) -> LaunchSpec:
        refuse_in_safe_mode(self._around.settings.current, "No MCP server is started")
        server_id = config.id
        spec = LaunchSpec.of(await self._records.reveal(SYSTEM, MODEL, server_id))
        if lost := await self._records.emptied(SYSTEM, MODEL, server_id):
            raise Conflict(
                f"Its {' and '.join(lost)} came without the key that opens it, and was emptied: set it again.",
                code="secret_lost",
            )
        if config.owner is not None:
            settings = self._records.shelf.settings.current
            # The list of hosts may be a shorter one by now. A program has no address.
            if (problem := address_problem(spec.url, settings)) is not None:
                raise Conflict(f"It can't be reached: {problem.message}.", code="address_refused")
            spec = replace(spec, public_only=not is_listed_host(spec.url, settings))
        if config.transport != "stdio":
            spec = replace(spec, auth=await self._sign_ins.auth_for(config, spec.url))
        self._referring.discard(server_id)
        # The secrets are the admins': a server of a person's own gets its headers as they are.
        if config.owner is not None or not (refers_to_secrets(spec.env) or refers_to_secrets(spec.headers)):
            return spec.sendable()
        self._referring.add(server_id)
        secret: SecretValue | None
        secret, where = self._secret, "under Secrets"
        if config.plugin is not None:
            if (secret := self._plugins.get(config.plugin)) is None:
                raise Conflict(f"The plugin {config.plugin} is off.", code="plugin_off")
            where = f"in the settings of the plugin {config.plugin}"
        env, headers = resolved(spec.env, secret, where), resolved(spec.headers, secret, where)
        return replace(spec, env=env, headers=headers).sendable()

    def _secret(self, name: str) -> str | None:
        row = self._records.look_up(SYSTEM, SECRETS, "name", name)
        return None if row is None else row["value"] or None

    def _changed(self, event: RecordChanged) -> None:
        # Whichever secret it is: servers that named one at their start have an old value now, or had none.
        if event.model == SIGN_INS:
            # A renewed token changes nothing for the connection that renewed it.
            if event.verb != "update":
                self._soon(self._reload_signed_in(event.record_id))
            return
        for server_id in [event.record_id] if event.model == MODEL else list(self._referring):
            self._soon(self._reload(server_id))

    def _soon(self, reload: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(reload)
        self._reloads.add(task)
        task.add_done_callback(self._reloads.discard)

    async def _reload_signed_in(self, sign_in_id: int) -> None:
        server_id = await self._sign_ins.server_of(sign_in_id)
        if server_id is not None:
            await self._reload(server_id)

    async def _reload(self, server_id: int) -> None:
        async with self._reload_lock:
            try:
                config = ServerConfig.of(await self._records.get(SYSTEM, MODEL, server_id))
            except NotFound:
                config = None
                self.watches.forget(server_id)
            if config is not None and not self._is_in_force(config):
                config = None
            old = self._shared.pop(server_id, None)
            keys = [key for key in self._personal if key[0] == server_id]
            others = [self._personal.pop(key) for key in keys]
            if config is not None:
                self._shared[server_id] = self._upstream(config)
            self._index()
            for one in (old, *others):
                if one is not None:
                    one.retire()
            now = self._shared.get(server_id)
            if now is not None or old is not None:
                self.notices.lists_changed(now or old, old)
            if old is not None:
                for callback in self._gone:
                    callback(old.config.name)
                await asyncio.gather(*(one.stop() for one in (old, *others)), return_exceptions=True)
