"""Who must have a second factor: the setting `second_factor_roles` names roles, and groups as `group:NAME`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.access.actor import ROLES
from server.access.policy import Policy
from server.config import SettingsHolder
from server.db.transaction import Transaction
from server.errors import Conflict, ValidationFailed
from server.models.base import WriteVerb
from server.models.group import group_names_sql
from server.records.behaviour import Behaviour
from server.records.setting_behaviour import SettingBehaviour
from server.setting_fields import listed

SETTING = "second_factor_roles"
_GROUP = "group:"


class FactorDuty:
    """Answers from memory, by the rules and settings of the moment."""

    def __init__(self, settings: SettingsHolder, policy: Policy) -> None:
        self._settings = settings
        self._policy = policy

    def falls_on(self, user_id: int, role: str) -> bool:
        """Whether the person must have one."""
        named = listed(self._settings.current.second_factor_roles)
        return role in named or any(f"{_GROUP}{name}" in named for name in self._policy.group_names(user_id))


class DutySettingBehaviour(SettingBehaviour):
    """A duty of a role or group that does not exist would look like protection, so it is refused."""

    def settle(self, transaction: Transaction, verb: WriteVerb, record_id: int, row: Mapping[str, Any] | None) -> None:
        super().settle(transaction, verb, record_id, row)
        if row is None or row["name"] != SETTING:
            return
        for name in listed(row["value"]):
            if name not in ROLES and not name.startswith(_GROUP):
                message = f"{SETTING}: {name!r} is no role ({', '.join(ROLES)}) and no group:NAME"
                raise ValidationFailed.of("value", "unknown_role", message)
        if missing := _missing(transaction, row["value"]):
            raise ValidationFailed.of("value", "unknown_group", f"{SETTING}: there is no group {missing[0]!r}")


class GroupBehaviour(Behaviour):
    """A group that second factors are a duty of keeps its name and stays."""

    minds_creation = False

    def __init__(self, settings: SettingsHolder) -> None:
        self._settings = settings

    def settle(self, transaction: Transaction, verb: WriteVerb, record_id: int, row: Mapping[str, Any] | None) -> None:
        if verb == "create":
            return
        if missing := _missing(transaction, self._settings.current.second_factor_roles):
            raise Conflict(
                f"The setting {SETTING} names the group {missing[0]!r}: its people must have a second factor. "
                "Change the setting first.",
                code="group_in_use",
            )


def _missing(transaction: Transaction, value: str) -> list[str]:
    wanted = [name.removeprefix(_GROUP) for name in listed(value) if name.startswith(_GROUP)]
    if not wanted:
        return []
    there = {row[0] for row in transaction.execute(group_names_sql(), {}).fetchall()}
    return [name for name in wanted if name not in there]
