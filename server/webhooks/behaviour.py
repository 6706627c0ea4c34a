"""What a webhook must look like, who may change it, and its secret."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson

from server.access.actor import Actor
from server.asgi.signatures import is_standard_secret, new_standard_secret
from server.config import SettingsHolder
from server.db.transaction import Transaction
from server.errors import FieldError, ValidationFailed
from server.models.base import WriteVerb
from server.models.webhook import UNTOLD_MODELS
from server.outbound.places import is_public
from server.records.behaviour import Behaviour, Prepared
from server.records.domain import domain_condition
from server.records.filters import Filters
from server.records.ownership import require_unruled_credential, require_whole_credential, row_to_change
from server.records.service import Records
from server.records.values import BadValue, raise_for
from server.webhooks.outbox import WEBHOOKS, Outbox

_VERBS = ("create", "update", "delete", "import")


def know_webhooks(records: Records, settings: SettingsHolder) -> None:
    """From now on webhooks are checked, and what they are to be told of is stored with every change."""
    records.behave(WEBHOOKS, WebhookBehaviour(records, settings))
    records.shelf.outbox = Outbox(records.shelf)


class WebhookBehaviour(Behaviour):
    """Checks a webhook as a whole, with the rights of whoever makes or changes it."""

    importable = False

    def __init__(self, records: Records, settings: SettingsHolder) -> None:
        self._records = records
        self._settings = settings

    async def prepare(self, actor: Actor, columns: dict[str, Any], *, record_id: int | None) -> Prepared:
        require_whole_credential(actor)
        await require_unruled_credential(self._records, actor)
        known: Mapping[str, Any] = {}
        if record_id is not None:
            known = await row_to_change(self._records, actor, WEBHOOKS, record_id, columns)
        errors: dict[str, FieldError] = {}
        if "url" in columns:
            self._note(errors, "url", self._wrong_address(columns["url"]))
        if "events" in columns or columns.get("filter") is not None:
            events = orjson.loads(columns["events"]) if "events" in columns else known.get("events", [])
            domain = orjson.loads(columns["filter"] or "null") if "filter" in columns else known.get("filter")
            self._check_events(actor, events, domain, errors)
        made = dict(columns)
        told = {}
        if record_id is None and columns.get("secret") is None:
            made["secret"] = new_standard_secret()
        elif "secret" in columns and not is_standard_secret(columns["secret"] or ""):
            errors["secret"] = FieldError("not_a_secret", "whsec_ and 24 to 64 bytes in Base64 are wanted")
        raise_for(errors)
        if record_id is None:
            told["secret"] = made["secret"]
        if columns.get("enabled"):
            made["disabled_because"] = None
        return Prepared(made, told_once=told)

    def settle(self, transaction: Transaction, verb: WriteVerb, record_id: int, row: Mapping[str, Any] | None) -> None:
        if row is not None and row["owner_id"] is None:
            raise ValidationFailed.of("owner_id", "required", "a webhook tells what its owner may read; name one")

    def _wrong_address(self, url: str) -> FieldError | None:
        parts = urlsplit(url)
        if parts.username is not None or parts.password is not None:
            return FieldError("credentials", "an address without user and password is wanted: others can see it")
        if self._settings.current.webhooks_private_addresses:
            return None
        if parts.scheme != "https":
            return FieldError("not_https", "https is wanted; webhooks_private_addresses allows http at home")
        host = parts.hostname or ""
        try:
            private = not is_public(str(ipaddress.ip_address(host)))
        except ValueError:
            private = host == "localhost" or host.endswith(".localhost")
        if private:
            return FieldError("private_address", "this lies at home; the setting webhooks_private_addresses allows it")
        return None

    def _check_events(self, actor: Actor, events: list[str], domain: Any, errors: dict[str, FieldError]) -> None:
        if not events:
            errors["events"] = FieldError("required", "one or more events such as notes or notes.create are wanted")
        for event in events:
            model, dot, verb = event.partition(".")
            if dot and verb not in _VERBS:
                errors["events"] = FieldError("unknown_event", f"{event}: one of {', '.join(_VERBS)} may stand there")
            elif model not in self._records.registry or not self._may_list(actor, model):
                errors["events"] = FieldError("unknown_model", f"there is no model {model!r} that you may list")
            elif model in UNTOLD_MODELS or self._records.registry.get(model).options.private:
                errors["events"] = FieldError("untold_model", f"nobody is told of {model}")
            elif domain is not None:
                self._note(errors, "filter", self._wrong_filter(actor, model, domain))

    def _may_list(self, actor: Actor, model: str) -> bool:
        spec = self._records.registry.get(model)
        return self._records.policy.permission(actor, spec, "list").extent != "none"

    def _wrong_filter(self, actor: Actor, model: str, domain: Any) -> FieldError | None:
        spec = self._records.registry.get(model)
        filters = Filters(spec, self._records.policy.permission(actor, spec, "list"))
        try:
            domain_condition(domain, filters.from_json)
        except BadValue as bad:
            return FieldError(bad.code, f"{model}: {bad.message}")
        return None

    def _note(self, errors: dict[str, FieldError], name: str, error: FieldError | None) -> None:
        if error is not None:
            errors[name] = error
