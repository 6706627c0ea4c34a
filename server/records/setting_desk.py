"""The settings as a person meets them: what each is for, takes and is, who decided it, and what waits for a restart."""

from __future__ import annotations

import types
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from server.access.actor import Actor
from server.config import (
    READ_BEFORE_THE_DATABASE,
    SettingField,
    Settings,
    SettingsHolder,
    setting_fields,
)
from server.records.service import Records
from server.records.setting_behaviour import with_records
from server.setting_groups import GROUP_OF, GROUPS

Kind = Literal["boolean", "choice", "integer", "number", "text"]
_KINDS: dict[Any, Kind] = {bool: "boolean", int: "integer", float: "number", str: "text", Path: "text"}


@dataclass(frozen=True, slots=True)
class SettingForm:
    """What a value must be. The limits are None where there are none; `above` is a limit that is not reached."""

    kind: Kind
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None


def form_of(name: str) -> SettingForm:
    """The form of a setting, by its type and limits."""
    info = Settings.model_fields[name]
    if get_origin(info.annotation) is Literal:
        return SettingForm("choice", get_args(info.annotation))
    limits = types.SimpleNamespace(ge=None, le=None, gt=None)
    for rule in info.metadata:
        for limit in vars(limits):
            if hasattr(rule, limit):
                setattr(limits, limit, float(getattr(rule, limit)))
    return SettingForm(_KINDS[info.annotation], (), limits.ge, limits.le, limits.gt)


class SettingDesk:
    """Reads for `/api/v1/server/settings`; changes are changes of settings records."""

    def __init__(self, records: Records, holder: SettingsHolder, started: Settings) -> None:
        self._records = records
        self._holder = holder
        self._started = started

    async def all(self, actor: Actor) -> list[dict[str, Any]]:
        """Every setting by group; see `server.rest_api.settings_routes.SettingShown` for the fields."""
        rows = {row["name"]: row for row in await self._records.find(actor, "settings")}
        wanted = with_records(self._started, list(rows.values()))
        fields = {field.name: field for field in setting_fields()}
        return [
            self._shown(fields[name], rows.get(name), getattr(wanted, name))
            for names in GROUPS.values()
            for name in names
        ]

    def _shown(self, field: SettingField, row: dict[str, Any] | None, wanted: Any) -> dict[str, Any]:
        value = getattr(self._holder.current, field.name)
        form = form_of(field.name)
        source = self._started.started_from(field.name)
        return {
            "name": field.name,
            "group": GROUP_OF[field.name],
            "help": field.help,
            "unit": field.unit,
            "applies": field.applies,
            "kind": form.kind,
            "choices": list(form.choices),
            "minimum": form.minimum,
            "maximum": form.maximum,
            "above": form.above,
            "secret": field.secret,
            "default": None if field.name == "data_dir" else field.default,
            "value": None if field.secret else _plain(value),
            "wanted": None if field.secret else _plain(wanted),
            "waits": value != wanted,
            "source": source or ("default" if row is None else "settings"),
            "environment": field.env,
            "record_id": None if row is None else row["id"],
            "changeable": source is None and not field.secret and field.name not in READ_BEFORE_THE_DATABASE,
        }


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value
