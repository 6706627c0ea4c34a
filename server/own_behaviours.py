"""The program's own models that do more than store: one line per behaviour."""

from __future__ import annotations

from server.auth.behaviours import ApiTokenBehaviour, PreferenceBehaviour, SessionBehaviour, UserBehaviour
from server.auth.factor_duty import DutySettingBehaviour, GroupBehaviour
from server.config import SettingsHolder
from server.mcp_gateway.behaviour import McpServerBehaviour
from server.models.registry import ModelRegistry
from server.records.rules import AccessRuleBehaviour
from server.records.service import Records
from server.webhooks.behaviour import know_webhooks


def know_own_models(records: Records, settings: SettingsHolder, registry: ModelRegistry, fixed: frozenset[str]) -> None:
    """Tell `records` of them. `fixed` are the settings that the command line or the environment decided."""
    records.behave("users", UserBehaviour())
    records.behave("sessions", SessionBehaviour())
    records.behave("preferences", PreferenceBehaviour())
    records.behave("api_tokens", ApiTokenBehaviour(records))
    records.behave("mcp_servers", McpServerBehaviour(settings))
    records.behave("access_rules", AccessRuleBehaviour(registry, records.policy))
    records.behave("groups", GroupBehaviour(settings))
    records.behave("settings", DutySettingBehaviour(fixed))
    know_webhooks(records, settings)
