"""Settings records: only known names with good values, and what they mean for the settings in force."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from server.config import Settings, SettingsHolder, check_setting, environment_name, setting_fields
from server.db.transaction import Transaction
from server.errors import Conflict, ValidationFailed
from server.models.base import WriteVerb
from server.records.behaviour import Behaviour

log = logging.getLogger(__name__)


class SettingBehaviour(Behaviour):
    """Refuses unknown names, bad values, and what the environment or the command line decides."""

    def __init__(self, fixed: frozenset[str]) -> None:
        self._fixed = fixed

    def settle(self, transaction: Transaction, verb: WriteVerb, record_id: int, row: Mapping[str, Any] | None) -> None:
        if row is None:
            return
        check_setting(row["name"], row["value"])
        if row["name"] in self._fixed:
            raise Conflict(
                f"{row['name']} is set by {environment_name(row['name'])} or the command line; change it there.",
                code="set_elsewhere",
            )


def with_records(started: Settings, rows: list[dict[str, Any]]) -> Settings:
    """`started` with the values of settings records, where neither command line nor environment decides."""
    known: dict[str, Any] = {}
    for row in rows:
        if row["name"] in started.model_fields_set:
            continue
        try:
            known[row["name"]] = check_setting(row["name"], row["value"])
        except ValidationFailed as error:
            # Stored by another version of the program: its default serves until somebody changes it.
            log.warning("the stored setting %s is left out: %s", row["name"], error.message)
    return started.model_copy(update=known)


def publish_live(holder: SettingsHolder, started: Settings, rows: list[dict[str, Any]]) -> None:
    """Put the live settings of `rows` in force; the others wait for the next start."""
    wanted = with_records(started, rows)
    live = {field.name: getattr(wanted, field.name) for field in setting_fields() if field.applies == "live"}
    holder.publish(holder.current.model_copy(update=live))
