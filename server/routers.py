"""The routes of FastAPI: one line per router. What each of them needs is handed over as `Parts`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fastapi import FastAPI

from server import __version__
from server.asgi.body import BodyLimit
from server.asgi.once import Once
from server.asgi.public_door import Reach
from server.asgi.traffic import Traffic
from server.auth.authenticate import Authenticator
from server.auth.factor_routes import factor_router
from server.auth.lan import Lan
from server.auth.leave_routes import leave_router
from server.auth.leaving import Leaving
from server.auth.link_routes import link_router
from server.auth.oauth.clients import Clients
from server.auth.oauth.consent_routes import consent_router
from server.auth.oauth.routes import oauth_router
from server.auth.operations import Operations
from server.auth.people import People
from server.auth.routes import auth_router
from server.backup.service import BackupService
from server.config import SettingsHolder
from server.internal_api.guard import internal_guard
from server.internal_api.message_routes import message_router
from server.internal_api.routes import internal_router
from server.internal_api.trusted_routes import trusted_router
from server.mcp_gateway.assembly import McpGateway
from server.mcp_gateway.call_routes import call_router
from server.mcp_gateway.catalogue.routes import tools_router
from server.mcp_gateway.clients.routes import clients_router
from server.mcp_gateway.hosted_routes import own_tools_router
from server.mcp_gateway.importing.routes import import_router
from server.mcp_gateway.messages.routes import messages_router
from server.mcp_gateway.policy.approval_routes import approval_router
from server.mcp_gateway.policy.explain_routes import explain_router
from server.mcp_gateway.relay.routes import offers_router
from server.mcp_gateway.routes import gateway_router
from server.mcp_gateway.server_catalogue.routes import catalogue_router
from server.mcp_gateway.sign_in.routes import sign_in_router
from server.plugin_host.channels import PluginChannels
from server.plugin_host.host import PluginHost
from server.plugin_host.installing import Installer
from server.plugin_host.pages_contribution import PluginPages
from server.plugin_host.plugin_settings import PluginSettings
from server.plugin_host.public_routes import public_router
from server.plugin_host.routes import plugin_router
from server.plugin_host.settings_routes import plugin_settings_router
from server.records.definitions_file import DefinitionsFile
from server.records.files import Files
from server.records.history import History
from server.records.index_desk import IndexDesk
from server.records.own_models import OwnModels
from server.records.service import Records
from server.records.setting_desk import SettingDesk
from server.records.storage_watch import StorageWatch
from server.records.transfers import Transfers
from server.rest_api.backup_routes import backup_router
from server.rest_api.certificate_routes import certificate_router
from server.rest_api.data_folder_routes import data_folder_router
from server.rest_api.definitions_routes import definitions_router
from server.rest_api.event_stream import EventStreams
from server.rest_api.events_routes import events_router
from server.rest_api.files_routes import files_router
from server.rest_api.first_steps_routes import first_steps_router
from server.rest_api.gate import RestGate
from server.rest_api.index_routes import index_router
from server.rest_api.lan_routes import lan_router
from server.rest_api.licence_routes import licence_router
from server.rest_api.log_routes import log_router
from server.rest_api.models_routes import models_router
from server.rest_api.phrase_routes import phrase_router
from server.rest_api.plugin_routes import plugin_install_router
from server.rest_api.records_routes import records_router
from server.rest_api.routes import rest_router
from server.rest_api.settings_routes import settings_router
from server.rest_api.transfer_routes import transfer_router
from server.tasks.queue import Tasks
from server.tasks.schedule_routes import schedules_router
from server.tasks.schedules import Schedules
from server.web.desktop import desktop_router
from server.web.faults import handle_errors
from server.web.metrics_routes import metrics_router
from server.web.openapi import ApiDocument, openapi_router
from server.web.pages import page_router
from server.web.plugin_pages import contributions_router
from server.web.prometheus import Numbers
from server.webhooks.deliveries import Deliveries
from server.webhooks.routes import webhooks_router

_LARGE = frozenset(f"/api/v1/{name}" for name in ("batch", "files", "import/guess", "backups/upload"))
_LINKS = ("/auth/invites", "/auth/resets")


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the routes work with."""

    settings: SettingsHolder
    records: Records
    own_models: OwnModels
    people: People
    operations: Operations
    oauth_clients: Clients
    lan: Lan
    setting_desk: SettingDesk
    restart: Callable[[], None]
    transfers: Transfers
    files: Files
    backups: BackupService
    storage_watch: StorageWatch
    history: History
    streams: EventStreams
    tasks: Tasks
    gateway: McpGateway
    deliveries: Deliveries
    schedules: Schedules
    plugins: PluginHost
    plugin_pages: PluginPages
    plugin_channels: PluginChannels
    plugin_installer: Installer
    tmp: Path
    authenticator: Authenticator
    gate: RestGate
    reach: Reach
    ui: Path
    internal_secret: str
    address: Callable[[], str]
    needs_setup: Callable[[], bool]
    traffic: Traffic
    leave_safe_mode: Callable[[], None]


def web_app(parts: Parts) -> FastAPI:
    """Everything that is served by FastAPI: all but records, plugins, the gateway's endpoint and the UI's files."""
    web = FastAPI(title="GridBear", version=__version__, openapi_url=None, docs_url=None, redoc_url=None)
    # The last one is the first to see a request.
    web.add_middleware(
        Once,
        actor_for=parts.authenticator.actor_for,
        covers=_done_once,
        limit=lambda: parts.settings.current.rest_body_bytes,
    )
    web.add_middleware(BodyLimit, limit=lambda: parts.settings.current.rest_body_bytes, own_limit=_measures_itself)
    records, settings, people, gate = parts.records, parts.settings, parts.people, parts.gate
    authenticator = parts.authenticator
    web.include_router(page_router(parts.ui, settings, parts.needs_setup))
    web.include_router(auth_router(people, authenticator, settings))
    web.include_router(factor_router(people, authenticator))
    web.include_router(leave_router(Leaving(records), authenticator))
    web.include_router(link_router(people, authenticator, settings, parts.address))
    web.include_router(oauth_router(parts.oauth_clients, people.grants, settings))
    web.include_router(consent_router(parts.oauth_clients, people.grants, authenticator, settings))
    web.include_router(desktop_router(people, parts.operations, authenticator, settings))
    internal = internal_guard(lambda: parts.internal_secret, lambda: settings.current.internal_api_from_elsewhere)
    web.include_router(internal_router(records, internal))
    web.include_router(trusted_router(records, parts.plugins, internal))
    web.include_router(message_router(parts.plugin_channels, records, internal))
    web.include_router(rest_router(gate, settings, parts.storage_watch, parts.lan.fingerprint, parts.leave_safe_mode))
    web.include_router(lan_router(parts.lan, gate, settings))
    web.include_router(certificate_router(parts.lan.certificate_file, gate, settings))
    web.include_router(licence_router(gate))
    web.include_router(index_router(IndexDesk(records), gate, settings))
    web.include_router(log_router(settings, gate, parts.gateway.activity.log.redactor))
    web.include_router(settings_router(parts.setting_desk, records, gate, parts.restart))
    web.include_router(data_folder_router(records, settings, gate, parts.restart))
    # Before /{model}/import, which would take "gateway" for a model.
    web.include_router(import_router(parts.gateway.imports, settings, gate.enter_route))
    web.include_router(transfer_router(parts.transfers, gate, settings))
    web.include_router(phrase_router(records, gate, settings))
    web.include_router(backup_router(parts.backups, gate, settings))
    web.include_router(clients_router(records, settings, gate.enter_route))
    web.include_router(catalogue_router(parts.gateway.imports, settings, gate.enter_route))
    web.include_router(call_router(parts.gateway.call, parts.gateway.asked_calls, gate.enter_route))
    web.include_router(own_tools_router(parts.gateway.own_desk, gate.enter_route))
    web.include_router(tools_router(parts.gateway.tool_desk, gate.enter_route))
    gateway = parts.gateway
    web.include_router(offers_router(gateway.gateway, gateway.relay, gateway.updates, gate.enter_route))
    web.include_router(messages_router(parts.gateway.message_desk, gate.enter_route))
    web.include_router(explain_router(parts.gateway.explainer, gate.enter_route))
    web.include_router(approval_router(parts.gateway.approvals, gate.enter_route))
    web.include_router(gateway_router(parts.gateway.server_desk, parts.tasks, gate.enter_route))
    web.include_router(schedules_router(parts.schedules, parts.tasks, gate.enter_route))
    web.include_router(webhooks_router(parts.deliveries, gate.enter_route))
    plugin_settings = PluginSettings(parts.plugins, records)
    web.include_router(contributions_router(parts.plugin_pages, parts.plugins, settings, gate.enter_route))
    web.include_router(public_router(parts.reach, settings, gate.enter_route))
    web.include_router(plugin_settings_router(plugin_settings, settings, gate.enter_route))
    web.include_router(plugin_router(parts.plugins, gate.enter_route))
    web.include_router(plugin_install_router(parts.plugin_installer, gate, settings, parts.tmp))
    web.include_router(
        sign_in_router(gateway.gateway, gateway.sign_ins, settings, gate.enter_route, parts.authenticator.actor_for)
    )
    numbers = Numbers(parts.gateway.gateway, parts.gateway.activity, parts.traffic, records.shelf.store)
    web.include_router(metrics_router(numbers, partial(gate.enter_route, metrics=True)))
    web.include_router(definitions_router(DefinitionsFile(parts.own_models, records.registry), gate, settings))
    web.include_router(first_steps_router(records, parts.backups, gate))
    web.include_router(models_router(records, parts.own_models, gate, settings))
    web.include_router(events_router(parts.streams, gate))
    web.include_router(records_router(records, parts.history, gate, settings))
    web.include_router(files_router(parts.files, records, gate, settings))
    handle_errors(web, authenticator.actor_for, lambda: settings.current.base_path)
    web.include_router(openapi_router(ApiDocument(web, records, settings, _done_once), authenticator.actor_for))
    return web


def _done_once(path: str) -> bool:
    """Whether a POST with an Idempotency-Key is kept from being done twice before it comes to its route."""
    return path in _LINKS or (path.startswith("/api/v1/") and not _measures_itself(path))


def _measures_itself(path: str) -> bool:
    """Whether more than a REST body may come here; these routes know who sends it, and count, before they read."""
    of_records = path.endswith("/import") and path != "/api/v1/gateway/import"
    return of_records or path in _LARGE
