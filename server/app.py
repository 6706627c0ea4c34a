"""The application: what there is, in which order it starts, and which address goes where."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Callable
from functools import partial

from starlette.types import Receive, Scope, Send

from server.access.policy import Policy
from server.asgi.guard import Guard
from server.asgi.public_door import Reach
from server.asgi.traffic import Traffic
from server.auth.authenticate import Authenticator
from server.auth.endings import Endings
from server.auth.lan import Lan
from server.auth.oauth.clients import Clients
from server.auth.oauth.documents import Documents
from server.auth.operations import Operations
from server.auth.people import People
from server.backup.keeper import Keeper
from server.backup.scheduler import Scheduler
from server.backup.service import BackupService
from server.backup.settling import Settling
from server.chores import Sweep, do_chores, flushing, sweeping
from server.config import Settings, SettingsHolder
from server.data_folder import DataFolder
from server.db.content_store import ContentStore
from server.db.migrate import migrate
from server.db.storage import FreeBytes, Storage, free_bytes, limits_of
from server.db.store import Store
from server.db.upgrade_note import upgrade_note
from server.events.bus import Bus
from server.events.log import EventLog
from server.internal_api.secret import internal_secret
from server.mcp_gateway.assembly import McpGateway
from server.models.base import Base
from server.models.catalogue import OWN_MODELS
from server.models.registry import ModelRegistry
from server.own_behaviours import know_own_models
from server.plugin_host.channels import PluginChannels
from server.plugin_host.contributions import serve_plugins
from server.plugin_host.host import PluginHost
from server.plugin_host.installing import Installer
from server.plugin_host.libraries.libraries import Libraries
from server.plugin_host.pages_contribution import PluginPages
from server.plugin_host.secrets import take_over_files
from server.plugin_host.watching import Watcher
from server.records.audit import expire_audit
from server.records.file_reclaim import FileReclaim
from server.records.files import Files
from server.records.history import History
from server.records.kept_keys import expire_keys
from server.records.opening import follow_settings, opened_vault
from server.records.own_models import OwnModels
from server.records.request_log import RequestLog
from server.records.rules import keep_in_force
from server.records.service import Records
from server.records.setting_desk import SettingDesk
from server.records.storage_watch import StorageWatch
from server.records.transfers import Transfers
from server.rest_api.event_stream import EventStreams
from server.rest_api.gate import RestGate
from server.rest_api.records_app import RecordsApp
from server.routers import Parts, web_app
from server.secrets.key_store import KeyStore
from server.tasks.queue import Tasks
from server.tasks.reminders import reminders
from server.tasks.schedules import Schedules
from server.this_computer import resource_dir
from server.web.dispatch import Dispatch
from server.web.endpoint_caches import forget_endpoints
from server.web.plugin_pages import PluginFiles
from server.web.public_guard import PublicGuard
from server.web.ui_files import UiFiles
from server.webhooks.deliveries import Deliveries


class GridBearApp:
    """One server. `data()` opens its records, `running()` everything; the object itself is the ASGI app."""

    def __init__(self, settings: Settings, control_token: str, free: FreeBytes, host_given_by: str) -> None:
        assert OWN_MODELS, "importing the catalogue declares the program's models"
        self._started_with = settings
        self._control_token = control_token
        self._free = free
        self._host_given_by = host_given_by
        self.settings = SettingsHolder(settings)
        self.warnings: list[str] = []
        self.operations: Operations
        self.people: People
        self.records: Records
        self._asgi: Guard | None = None
        self.public: PublicGuard
        """What the public port serves."""
        self.when_restart_is_asked: Callable[[], None] | None = None
        """Called when restored data or another choice of where to listen waits for a new start."""
        self.safe_mode_left = False
        """The new start is to be one with everything again."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self._asgi is not None, "the app serves inside `running()` only"
        await self._asgi(scope, receive, send)

    async def setup_link(self) -> str | None:
        """A fresh link that makes the first admin, or None once there is one."""
        return self.operations.setup_link() if self.people.needs_setup else None

    def stop_streams(self) -> None:
        """End every open stream; new ones are refused."""
        self.gateway.stop_streams()
        self._events.end()

    @contextlib.asynccontextmanager
    async def data(self) -> AsyncIterator[None]:
        """The records and accounts, without serving anything. An unfinished restore is finished or taken back first."""
        self._folder = DataFolder(self._started_with.data_dir)
        settling = Settling(self._folder.path)
        settling.begin()
        async with contextlib.AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(self._opened(settling))
            except Exception as error:
                if not settling.roll_back(error):
                    raise
                await stack.enter_async_context(self._opened(settling))
            settling.confirm()
            yield

    @contextlib.asynccontextmanager
    async def _opened(self, settling: Settling) -> AsyncIterator[None]:
        with upgrade_note(self._folder.upgrading) as progress:
            migrate(self._folder.database, Base.metadata, self._folder.backups, progress)
        settling.check()
        registry = ModelRegistry(Base)
        keys = KeyStore(self._folder.secrets, self._started_with.key_store)
        vault, warnings = opened_vault(self._folder.database, registry, keys)
        self.warnings += warnings
        self._bus = Bus()
        storage = Storage(self._folder.database, lambda: limits_of(self.settings.current), free=self._free)
        self._store = Store(self._folder.database, write_queue=self._started_with.write_queue, storage=storage)
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self._store.close)
            policy = Policy(lambda setting: bool(getattr(self.settings.current, setting)))
            stack.callback(self.settings.subscribe(lambda _settings: policy.forget()))
            self.records = Records(self._store, registry, self._bus, self.settings, policy, vault)
            folder = self._folder
            libraries = Libraries(folder.libraries, folder.tmp)
            self.plugins = PluginHost(
                resource_dir("plugins"), folder.plugins, self.records, self.settings, folder.backups, libraries
            )
            self.plugin_installer = Installer(
                self.plugins, folder.plugins, folder.tmp, folder.backups / "plugins", libraries
            )
            stack.push_async_callback(self.plugins.close)
            await self.plugins.open()
            self.own_models = OwnModels(self.records, self._folder.backups)
            self.own_models.load()
            keep_in_force(policy, self.records, self._bus)
            know_own_models(self.records, self.settings, registry, frozenset(self._started_with.model_fields_set))
            await follow_settings(self.records, self.settings, self._started_with, self._bus)
            storage.look()
            self.people = People(self.records, self._bus)
            await self.people.start()
            await take_over_files(self.records, self._folder.secrets, [plugin.id for plugin in self.plugins.found])
            self.lan = Lan(self.people, self.records, self.settings, self._folder, self._host_given_by, self._restart)
            self.operations = Operations(self.people, self.records, self.lan, self._address)
            self.transfers = Transfers(self.records, self.settings, self._folder.tmp)
            self.transfers.start()
            self._content = ContentStore(self._folder.files, self._folder.tmp)
            self._content.start()
            self.files = Files(self.records, self.settings, self._content)
            self.backups = BackupService(
                self._folder.path,
                Keeper(registry, vault, lambda folder: KeyStore(folder, self._started_with.key_store)),
                self.settings,
                self._started_with.bound_to_the_start(),
                self._restart,
                lambda: registry,
                self.records.note,
                failure=storage.failure,
            )
            self.backups.start()
            for part in (self.files, self.transfers, self.backups):
                stack.push_async_callback(part.close)
            yield

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Open everything, serve inside, close everything."""
        async with self.data(), contextlib.AsyncExitStack() as stack:
            stack.callback(forget_endpoints)
            secret = internal_secret(self._folder.path, self._started_with.internal_api_secret)
            authenticator = Authenticator(
                self.records, self.settings, self._bus, control_token=self._control_token, internal_secret=secret
            )
            self.authenticator = authenticator
            gate = RestGate(authenticator, self.settings)
            self.storage_watch = StorageWatch(self.records)
            stack.push_async_callback(self.storage_watch.stop)
            history = History(self.records)
            self._events = EventLog(self._bus, self._started_with.events_kept)
            streams = EventStreams(self.records, self._events, time.monotonic, authenticator.is_still)
            endings = Endings(authenticator, self.settings, self._bus)
            stack.callback(endings.stop)
            tasks = Tasks(self.records, self.settings, self._bus)
            self.gateway = McpGateway(self.records, self.settings, self._bus, tasks, authenticator.actor_for, endings)
            await self.gateway.start()
            self.deliveries = Deliveries(self.records, self.settings, self._bus, tasks)
            self.schedules = Schedules(self.records, self._bus, tasks)
            tasks.register(reminders(self.records))
            for part in (self.deliveries, self.schedules, tasks, self.gateway):
                stack.push_async_callback(part.stop)
            self.oauth_clients = Clients(self.records, Documents(self.settings))
            ui = resource_dir("assets") / "ui"
            self.requests = RequestLog(self.records, self.settings)
            self.requests.start()
            stack.push_async_callback(self.requests.stop)
            traffic, reach, plugin_pages = Traffic(self.requests.heard), Reach(), PluginPages()
            channels = PluginChannels(self.plugins, tasks, self.records)

            parts = Parts(
                settings=self.settings,
                records=self.records,
                own_models=self.own_models,
                people=self.people,
                operations=self.operations,
                oauth_clients=self.oauth_clients,
                lan=self.lan,
                setting_desk=SettingDesk(self.records, self.settings, self._started_with),
                restart=self._restart,
                transfers=self.transfers,
                files=self.files,
                backups=self.backups,
                storage_watch=self.storage_watch,
                history=history,
                streams=streams,
                tasks=tasks,
                gateway=self.gateway,
                deliveries=self.deliveries,
                schedules=self.schedules,
                plugins=self.plugins,
                plugin_pages=plugin_pages,
                plugin_channels=channels,
                plugin_installer=self.plugin_installer,
                tmp=self._folder.tmp,
                authenticator=authenticator,
                gate=gate,
                reach=reach,
                ui=ui,
                internal_secret=secret,
                address=self._address,
                needs_setup=self._needs_setup,
                traffic=traffic,
                leave_safe_mode=self._leave_safe_mode,
            )
            routes = await serve_plugins(
                self.plugins,
                records=self.records,
                files=self.files,
                settings=self.settings,
                bus=self._bus,
                tasks=tasks,
                schedules=self.schedules,
                gateway=self.gateway.gateway,
                pages=plugin_pages,
                channels=channels,
                actor_for=authenticator.actor_for,
            )
            stack.push_async_callback(self.plugins.stop_serving)
            # After the plugins, which bring kinds of their own: what was interrupted of those may go on.
            await self.deliveries.start()
            if not self._started_with.safe_mode:
                await tasks.start()
                await self.schedules.start()
            dispatch = Dispatch(
                web=web_app(parts),
                records=RecordsApp(self.records, gate, self.settings),
                plugins=routes,
                plugin_files=PluginFiles(plugin_pages, authenticator.actor_for),
                ui=UiFiles(ui, joined=("css/first.css", "css/rest.css", "css/narrow.css")),
                gateway=self.gateway.endpoint,
            )
            door = (self.settings, self._needs_setup, self.lan.visitors, traffic)
            self._asgi = Guard(dispatch, *door)
            self.public = PublicGuard(routes, routes.is_public, reach, *door)
            reclaim = FileReclaim(self.records, self._content)
            watcher = Watcher(self.plugins, (resource_dir("plugins"), self._folder.plugins), self.settings)
            do_chores(
                stack,
                flushing(authenticator.flush_last_use),
                sweeping(self._sweeps(history, reclaim)),
                self.storage_watch.run(),
                self.lan.watch(),
                Scheduler(self.backups, self.records, self.settings).run(),
                watcher.run(),
            )
            stack.push_async_callback(authenticator.flush_last_use)
            yield

    def _restart(self) -> None:
        if self.when_restart_is_asked is not None:
            self.when_restart_is_asked()

    def _leave_safe_mode(self) -> None:
        self.safe_mode_left = True
        self._restart()

    def _needs_setup(self) -> bool:
        return self.people.needs_setup

    def _address(self) -> str:
        return self.settings.current.address

    def _sweeps(self, history: History, files: FileReclaim) -> tuple[Sweep, ...]:
        return (
            ("old history", history.expire),
            ("old audit entries", partial(expire_audit, history.shelf)),
            ("old idempotency keys", partial(expire_keys, history.shelf)),
            ("old webhook deliveries", self.deliveries.expire),
            ("old requests", self.requests.expire),
            ("old tool calls", self.gateway.activity.expire),
            ("old tool approvals", self.gateway.approvals.expire),
            ("unused files", files.sweep),
            ("apps that nobody let in", self.oauth_clients.expire),
            ("permissions of apps that nobody uses", self.people.grants.sweep),
        )


def create_app(
    settings: Settings, *, control_token: str | None = None, free: FreeBytes = free_bytes, host_given_by: str = ""
) -> GridBearApp:
    """The application for `settings`. `control_token` is what the tray and the command line sign in with.

    `free` tells what a folder's disk has left, in bytes. `host_given_by` names what decides
    about the host where that is the command line or the environment.
    """
    return GridBearApp(settings, control_token or secrets.token_urlsafe(32), free, host_given_by)
