"""What a worker process may ask of the server: the plugin's own narrow context, and nothing beside it."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

from server.access.actor import Actor
from server.errors import NotFound
from server.plugin_host.context import HostContext

_OF_RECORDS = frozenset(("find", "get", "create", "update", "delete"))
_AT_ONCE = frozenset(("secret", "secret_variable", "is_running"))
_AWAITED = frozenset(("put_secret", "notify", "send_message"))


async def lent(context: HostContext, actor: Actor, deed: str, words: list[Any], named: dict[str, Any]) -> Any:
    """What `deed` of the context returns. `actor`: whom the task runs for; a worker can't name another one.

    Raises what the context raises: its permissions hold here as everywhere.
    """
    whose, _, name = deed.rpartition(".")
    if name in _OF_RECORDS and whose in ("records", "records_as"):
        records = context.records if whose == "records" else context.records_as(actor)
        return await getattr(records, name)(*words, **named)
    if deed in _AT_ONCE:
        return getattr(context, deed)(*words)
    if deed in _AWAITED:
        return await getattr(context, deed)(*words, **named)
    if deed == "groups_of":
        return await context.groups_of(actor)
    if deed == "time_zone_of":
        return await context.time_zone_of(actor)
    if deed == "start_task":
        name, title, for_nobody = words
        return await context.start_task(name, None if for_nobody else actor, title, **named)
    if deed == "fetch":
        body = None if named["body"] is None else b64decode(named["body"])
        fetched = await context.fetch(*words, **{**named, "body": body})
        return {"status": fetched.status, "headers": dict(fetched.headers), "body": b64encode(fetched.body).decode()}
    if deed == "keep_file":
        name, content, content_type = words
        return await context.keep_file(name, b64decode(content), content_type)
    raise NotFound(f"the context has no {deed!r}")
