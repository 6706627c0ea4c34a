"""The one parser of credentials: cookie, tokens, control token and internal secret become one Actor."""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.types import Scope

from server.access.actor import ALL_SCOPES, INTERNAL, MUST_ENROL, OWNER, SYSTEM, Actor, ActorKind
from server.asgi.body import STILL_IN
from server.auth.factor_duty import FactorDuty
from server.auth.oauth.addresses import is_mcp_path, issuer_of, resource_of
from server.auth.second_factors import has_second_factor
from server.auth.tokens import ACCESS_TOKEN_PREFIX, API_TOKEN_PREFIX, token_hash
from server.config import SettingsHolder
from server.errors import Forbidden, GridBearError, NotFound, Unauthorized
from server.events.bus import Bus, RecordChanged
from server.records.request_log import ACTOR
from server.records.service import Records
from server.records.times import from_text, to_text
from server.this_computer import is_loopback_host

log = logging.getLogger(__name__)

COOKIE = "gridbear_session_token"
_COOKIE_START = COOKIE.encode() + b"="
MAX_KNOWN = 10_000
_AT_ONCE_SECONDS = 1.0
"""A body that was there so soon is not asked about again where no credential has changed."""
GROUP_MODELS = ("groups", "group_members")
CREDENTIAL_MODELS = ("users", "sessions", "api_tokens", "oauth_tokens", "oauth_clients", *GROUP_MODELS)
"""Changes of these may end a credential."""


@dataclass(slots=True)
class _Known:
    """A credential that was looked up before. Times are seconds since the epoch."""

    actor: Actor
    model: str
    created: float
    last_used: float
    stored_use: float
    expires: float | None


class Authenticator:
    """Answers from memory; a change of a person, session or token makes it look again."""

    def __init__(
        self,
        records: Records,
        settings: SettingsHolder,
        bus: Bus,
        *,
        control_token: str,
        internal_secret: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._records = records
        self._settings = settings
        self._control_token = control_token.encode()
        self._internal_secret = internal_secret.encode()
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._dropped = 0
        """How often something that was known has been dropped."""
        self._duty = FactorDuty(settings, records.policy)
        bus.subscribe(self._changed, CREDENTIAL_MODELS)
        # Which roles need a second factor is part of what is remembered of a person.
        settings.subscribe(lambda _settings: self._drop(lambda _known: True))

    def actor_for(self, scope: Scope) -> Actor:
        """Who sends this request. Raises Unauthorized when nobody is named, or somebody who may not enter."""
        actor = self._actor(scope)
        state = scope.setdefault("state", {})
        # For the log of requests, which hears of an answer where nobody knows any more whose it is.
        state[ACTOR] = actor
        dropped, entered = self._dropped, self._clock()
        state[STILL_IN] = lambda: self._require_same(actor, scope, dropped, entered)
        return actor

    def is_still(self, actor: Actor) -> bool:
        """Whether what `actor` came in with would let them in as that now. Asking is no use of it.

        Of an app this is its permission: that its access token is replaced by a fresh one ends nothing.
        """
        if actor.credential_id is None:
            return True
        model = _model_of(actor)
        row = self._records.look_up(SYSTEM, model, "id", actor.credential_id)
        person = None if row is None else self._records.look_up(SYSTEM, "users", "id", row["owner_id"])
        if row is None or person is None or not person["is_active"]:
            return False
        now = _known(row, person, model, self._scopes(row, person, model))
        if model == "oauth_tokens":
            now.expires = from_text(row["expires_at"]).timestamp()
        else:
            used = self._known.get(row["token_hash"])
            now.last_used = now.last_used if used is None else max(used.last_used, now.last_used)
        same = (now.actor.role, now.actor.scopes) == (actor.role, actor.scopes)
        return same and not self._has_ended(now, self._clock())

    def forget(self, user_id: int) -> None:
        """Look the credentials of a person up again at their next use."""
        self._drop(lambda known: known.actor.user_id == user_id)

    async def flush_last_use(self) -> None:
        """Store when credentials were last used: one write each and then, not one per request."""
        for key, known in [item for item in self._known.items() if item[1].last_used > item[1].stored_use]:
            known.stored_use = known.last_used
            moment = to_text(datetime.fromtimestamp(known.last_used, UTC))
            try:
                await self._records.update(
                    SYSTEM, known.model, known.actor.credential_id or 0, {"last_used_at": moment}
                )
            except NotFound:
                # Also how a session that a byte cap dropped without an event comes to its end.
                self._drop_keys([key])
            except GridBearError as error:
                log.debug("the last use of a credential was not stored: %s", error.message)

    def _actor(self, scope: Scope) -> Actor:
        bearer, cookie = _credentials(scope)
        if bearer is not None:
            return self._bearer(bearer, scope)
        if cookie is not None:
            return self._known_actor(cookie, "sessions")
        raise Unauthorized("Sign in, or send a token: Authorization: Bearer gb_…")

    def _require_same(self, actor: Actor, scope: Scope, dropped: int, entered: float) -> None:
        # Most bodies come with their request: nothing can have changed then.
        if dropped == self._dropped and self._clock() - entered < _AT_ONCE_SECONDS:
            return
        if self._actor(scope) != actor:
            raise Forbidden("You may not do this as before any more; nothing was done.", code="rights_changed")

    def _bearer(self, token: str, scope: Scope) -> Actor:
        if token.startswith(API_TOKEN_PREFIX):
            return self._known_actor(token, "api_tokens")
        if token.startswith(ACCESS_TOKEN_PREFIX):
            return self._in_its_place(self._known_actor(token, "oauth_tokens"), scope)
        given = token.encode("utf-8", "surrogateescape")
        if hmac.compare_digest(given, self._control_token) and from_loopback(scope):
            return OWNER
        if self._internal_secret and hmac.compare_digest(given, self._internal_secret):
            return INTERNAL
        raise Unauthorized("This token is not known here.")

    def _in_its_place(self, actor: Actor, scope: Scope) -> Actor:
        """`actor` where its token is good: tools at one address, data if the person allowed that."""
        issuer = issuer_of(scope, self._settings.current.base_path)
        resource = actor.resource or ""
        if issuer is not None and is_mcp_path(scope["path"]):
            good = resource_of(issuer, scope["path"]) == resource
        else:
            good = issuer is not None and resource.startswith(f"{issuer}/mcp") and actor.has_scope("api:read")
        if not good:
            raise Unauthorized(f"This token is good for {resource} alone.", code="wrong_resource")
        return actor

    def _known_actor(self, token: str, model: str) -> Actor:
        key = token_hash(token)
        now = self._clock()
        known = self._known.get(key)
        if known is None or known.model != model:
            known = self._look_up(key, model)
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[key] = known
        if self._has_ended(known, now):
            raise Unauthorized(
                "This sign-in has ended. Sign in again." if model == "sessions" else "This token has expired."
            )
        known.last_used = max(known.last_used, now)
        return known.actor

    def _has_ended(self, known: _Known, now: float) -> bool:
        if known.model != "sessions":
            return known.expires is not None and now >= known.expires
        settings = self._settings.current
        idle, old = now - known.last_used, now - known.created
        return idle >= settings.session_inactivity_hours * 3600 or old >= settings.session_max_days * 86400

    def _look_up(self, key: str, model: str) -> _Known:
        row = self._records.look_up(SYSTEM, model, "access_hash" if model == "oauth_tokens" else "token_hash", key)
        person = None if row is None else self._records.look_up(SYSTEM, "users", "id", row["owner_id"])
        if row is None or person is None or not person["is_active"]:
            raise Unauthorized("Sign in again." if model == "sessions" else "This token is not known here.")
        return _known(row, person, model, self._scopes(row, person, model))

    def _scopes(self, row: dict[str, Any], person: dict[str, Any], model: str) -> frozenset[str]:
        if model == "oauth_tokens":
            return frozenset(row["access_scopes"].split())
        if model != "sessions":
            return frozenset(row["scopes"])
        if self._duty.falls_on(person["id"], person["role"]) and not has_second_factor(self._records, person["id"]):
            return MUST_ENROL
        return ALL_SCOPES

    def _changed(self, event: RecordChanged) -> None:
        if event.model == "users":
            self.forget(event.record_id)
        elif event.model in GROUP_MODELS:
            # Which groups need a second factor, too.
            self._drop(lambda known: known.model == "sessions")
        elif event.model == "oauth_clients":
            self._drop(lambda known: known.model == "oauth_tokens")
        elif event.model == "oauth_tokens" or (event.model in ("sessions", "api_tokens") and event.verb == "delete"):
            self._drop(lambda known: known.model == event.model and known.actor.credential_id == event.record_id)

    def _drop(self, is_meant: Callable[[_Known], bool]) -> None:
        self._drop_keys([key for key, known in self._known.items() if is_meant(known)])

    def _drop_keys(self, keys: list[str]) -> None:
        self._dropped += 1
        for key in keys:
            self._known.pop(key, None)


def _model_of(actor: Actor) -> str:
    """The model that has the credential of `actor`."""
    return "sessions" if actor.kind == "user" else "oauth_tokens" if actor.is_app else "api_tokens"


def concerns(event: RecordChanged, actor: Actor) -> bool:
    """Whether a change may have ended what `actor` came in with, or made it another."""
    if event.model == "users":
        return event.record_id == actor.user_id
    if event.model == "oauth_clients":
        return actor.is_app
    if event.model in GROUP_MODELS:
        return actor.kind == "user"
    return event.record_id == actor.credential_id and event.model == _model_of(actor)


def _known(row: dict[str, Any], person: dict[str, Any], model: str, scopes: frozenset[str]) -> _Known:
    kind: ActorKind = "user" if model == "sessions" else "token"
    actor = Actor(
        kind=kind,
        user_id=person["id"],
        username=person["username"],
        role=person["role"],
        scopes=scopes,
        credential_id=row["id"],
        resource=row.get("resource"),
    )
    created = from_text(row["created_at"]).timestamp()
    used = row["last_used_at"]
    last_used = created if used is None else from_text(used).timestamp()
    expires = row["access_expires_at"] if model == "oauth_tokens" else row.get("expires_at")
    return _Known(
        actor, model, created, last_used, last_used, None if expires is None else from_text(expires).timestamp()
    )


def from_loopback(scope: Scope) -> bool:
    """Whether the request comes from this computer."""
    client = scope.get("client")
    return client is not None and is_loopback_host(str(client[0]))


def _credentials(scope: Scope) -> tuple[str | None, str | None]:
    bearer = cookie = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            kind, _, token = value.partition(b" ")
            if kind.lower() != b"bearer":
                raise Unauthorized("Only Authorization: Bearer is understood.")
            bearer = token.strip().decode("latin-1")
        elif name == b"cookie" and cookie is None:
            for part in value.split(b";"):
                stripped = part.strip()
                if stripped.startswith(_COOKIE_START):
                    cookie = stripped[len(_COOKIE_START) :].decode("latin-1")
                    break
    return bearer, cookie
