"""All that a plugin may import. What is in `__all__` keeps its name and meaning within a major version."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Protocol, cast

from fastapi import Depends, Request

from server.access.actor import Actor
from server.asgi.signatures import new_standard_secret, sign_sha256, sign_standard, verify_sha256, verify_standard
from server.db.types import (
    Bytes,
    ChoiceText,
    DateTimeText,
    FileReference,
    JsonText,
    LongText,
    SecretText,
    TagsText,
    UrlText,
)
from server.errors import (
    BadRequest,
    Busy,
    Conflict,
    FieldError,
    Forbidden,
    GridBearError,
    NotFound,
    RateLimited,
    TooLarge,
    Unauthorized,
    UpstreamFailed,
    ValidationFailed,
)
from server.models.base import OWN, Base, ModelOptions, Owned, Record, field
from server.outbound.fetched import Fetched
from server.plugin_marks import (
    EventVerb,
    channel,
    list_resources,
    on,
    on_shutdown,
    on_startup,
    read_resource,
    schedule,
    task,
    tool,
)
from server.records.notify import Audience, Severity
from server.records.time_zones import local_zone
from server.tasks.report import Report


class RecordEvent(NamedTuple):
    """One committed change, as hooks are told of it."""

    model: str
    verb: EventVerb
    record_id: int
    """0 for `import`, which stands for many new records."""
    row: dict[str, Any] | None
    """The record as it is now, write-only fields left out; None when it is gone, and for `import`."""


class Resource(NamedTuple):
    """One resource for AI clients, as `list_resources` tells it. Its URI is `gridbear://{plugin}/{path}`."""

    path: str
    name: str
    mime_type: str | None = None
    title: str | None = None
    description: str | None = None
    size: int | None = None
    """Bytes."""


class ResourceContent(NamedTuple):
    """What `read_resource` returns: a text or bytes."""

    mime_type: str
    text: str | None = None
    data: bytes | None = None


class RecordStore(Protocol):
    """The records service as the plugin host uses it: every call names its Actor."""

    async def find(
        self, actor: Actor, model: str, *, where: dict[str, Any] | None = None, sort: str = "id", limit: int = 500
    ) -> list[dict[str, Any]]: ...

    async def get(self, actor: Actor, model: str, record_id: int, /) -> dict[str, Any]: ...

    async def create(self, actor: Actor, model: str, values: Mapping[str, Any], /) -> dict[str, Any]: ...

    async def update(
        self, actor: Actor, model: str, record_id: int, values: Mapping[str, Any], /
    ) -> dict[str, Any]: ...

    async def delete(self, actor: Actor, model: str, record_id: int, /) -> None: ...

    def look_up(self, actor: Actor, model: str, column: str, value: Any) -> dict[str, Any] | None: ...


class PluginRecords(Protocol):
    """Records as dicts of JSON types. `where` takes `field` or `field__op` keys, as REST filters do."""

    async def find(
        self, model: str, *, where: dict[str, Any] | None = None, sort: str = "id", limit: int = 500
    ) -> list[dict[str, Any]]:
        """Up to `limit` (500 at most) records."""

    async def get(self, model: str, record_id: int) -> dict[str, Any]:
        """One record. Raises NotFound when it is absent or not visible."""

    async def create(self, model: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Store a record; it is on disk when this returns. Raises ValidationFailed, Conflict, Forbidden."""

    async def update(self, model: str, record_id: int, values: Mapping[str, Any]) -> dict[str, Any]:
        """Change the fields in `values`. Raises NotFound, ValidationFailed, Conflict, Forbidden."""

    async def delete(self, model: str, record_id: int) -> None:
        """Remove a record. Raises NotFound, Forbidden, Conflict."""


class PluginContext(Protocol):
    """What the server lends to one plugin."""

    @property
    def plugin_id(self) -> str:
        """The folder name."""

    @property
    def log(self) -> logging.Logger:
        """Goes to the server's log under the plugin's name."""

    @property
    def records(self) -> PluginRecords:
        """The plugin's own models, all rows. Other models raise Forbidden."""

    @property
    def address(self) -> str:
        """Path of the plugin's routes, base path included: `/api/{plugin}/`."""

    @property
    def public_url(self) -> str:
        """The whole address of the plugin's routes, as others are told it: under `GRIDBEAR_PUBLIC_URL` if set."""

    @property
    def data_folder(self) -> Path:
        """GridBear's own data folder. A plugin that opens files for others keeps them out of it."""

    async def time_zone_of(self, actor: Actor) -> str | None:
        """The time zone that a person chose in My account, such as `Europe/Rome`; None when they chose none."""

    async def groups_of(self, actor: Actor) -> list[str]:
        """The names of the groups that a caller is in."""

    def is_running(self, name: str) -> bool:
        """Whether the plugin `name`, or one that provides it, runs now: for optional dependencies."""

    def records_as(self, actor: Actor) -> PluginRecords:
        """Every model under the rules of the Actor that calls the route.

        Of models that are not the plugin's own, reading needs `records:read` and changing `records:write`.
        """

    @property
    def settings(self) -> dict[str, Any]:
        """Its settings as the manifest's `config_schema` describes them; None without value and default.

        Secrets are not among them: `secret(name)` has these. After a change the plugin starts again.
        """

    def secret(self, name: str) -> str | None:
        """A secret of this plugin: `secret_variable(name)`, else the stored one, else None. Needs `secrets`."""

    def secret_variable(self, name: str) -> str:
        """The environment variable of a secret: `GRIDBEAR_{PLUGIN}_{NAME}`."""

    async def put_secret(self, name: str, value: str) -> None:
        """Keep a secret, sealed, among the secrets' records. Raises Conflict when the environment sets it.

        Needs the permission `secrets`.
        """

    async def start_task(self, name: str, actor: Actor | None, /, title: str = "", **given: Any) -> str:
        """Start a background task of this plugin for the person `actor`; `given` (JSON) are the function's arguments.

        None: for nobody, with no person's rights, as after a webhook. Returns the task's key. Raises NotFound for an
        unknown kind, RateLimited when too many wait already.
        """

    async def fetch(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        most_bytes: int = 1_048_576,
        seconds: float = 20.0,
        private: bool = False,
    ) -> Fetched:
        """Ask another server, whatever its status is. Redirects are not followed. Needs the permission `network`.

        Only https to public addresses; with `private`, for an address that an admin chose, this computer and private
        networks as well, also by http. Raises UpstreamFailed with the code `not_reached` when nothing was sent, with
        `no_answer` when it may have been; TooLarge for more than `most_bytes`; Forbidden (`address_refused`).
        """

    async def keep_file(self, name: str, body: bytes, content_type: str = "") -> int:
        """Store bytes as a file and return its id, for a field of the type `FileReference` of a record.

        A file that no record refers to is removed after a while. Raises TooLarge and ValidationFailed as uploads do.
        """

    async def send_message(self, channel: str, to: str, text: str, *, username: str | None = None) -> str:
        """Send `text` to a person outside, through the plugin `channel` or one that provides it. Needs `messages`.

        It is stored, sent from there, and tried again where that may help; returns the key of its task. `username`,
        else the admins, are told when it could not be sent. Raises NotFound (`unknown_channel`), Conflict
        (`channel_off`, `channel_failed`), ValidationFailed for a `to` that the channel can't reach.
        """

    async def notify(
        self,
        title: str,
        *,
        message: str = "",
        severity: Severity = "info",
        category: str = "",
        action_url: str = "",
        audience: Audience = "everyone",
        username: str | None = None,
        user_id: int | None = None,
        key: str = "",
    ) -> bool:
        """Notify one person (by name or id), the admins or everyone. Needs `notifications`.

        Nobody gets a second one with the same `key`. A failure is logged, not raised; then the answer is False.
        """


def _caller(request: Request) -> Actor:
    return cast(Actor, request.state.actor)


def _context(request: Request) -> PluginContext:
    return cast(PluginContext, request.state.plugin)


Caller = Annotated[Actor, Depends(_caller)]
"""A route parameter: who calls. Anonymous only in plugins with `"public_api": true`."""
Context = Annotated[PluginContext, Depends(_context)]
"""A route parameter: the plugin's own context."""


def require_admin(actor: Actor) -> None:
    """Raise Unauthorized without sign-in, Forbidden for anybody but an admin."""
    if not actor.is_signed_in:
        raise Unauthorized("sign in first")
    if not actor.is_admin:
        raise Forbidden("only admins may do this")


__all__ = [
    "Actor",
    "Audience",
    "BadRequest",
    "Base",
    "Busy",
    "Bytes",
    "Caller",
    "ChoiceText",
    "Conflict",
    "Context",
    "DateTimeText",
    "Fetched",
    "FieldError",
    "FileReference",
    "Forbidden",
    "GridBearError",
    "JsonText",
    "LongText",
    "ModelOptions",
    "NotFound",
    "OWN",
    "Owned",
    "PluginContext",
    "PluginRecords",
    "RateLimited",
    "Record",
    "RecordEvent",
    "RecordStore",
    "Report",
    "Resource",
    "ResourceContent",
    "SecretText",
    "Severity",
    "TagsText",
    "TooLarge",
    "Unauthorized",
    "UpstreamFailed",
    "UrlText",
    "ValidationFailed",
    "channel",
    "field",
    "local_zone",
    "new_standard_secret",
    "list_resources",
    "on",
    "on_shutdown",
    "on_startup",
    "read_resource",
    "require_admin",
    "schedule",
    "sign_sha256",
    "sign_standard",
    "task",
    "tool",
    "verify_sha256",
    "verify_standard",
]
