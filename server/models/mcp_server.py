"""MCP servers behind the gateway."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Boolean, Integer, Text, bindparam, func, select
from sqlalchemy.orm import Mapped

from server.db.statements import compile_sql
from server.db.types import ChoiceText, JsonText, TagsText, UrlText
from server.errors import FieldError, ValidationFailed
from server.models.base import OWN, WRITES, Base, ModelOptions, Record, field

OWN_NAMES = frozenset(("gridbear", "records"))
"""Names of servers that are part of the program."""
OWN_SERVER_NAME = re.compile(r"u[0-9]+-")
"""How the names of people's own servers begin, and no others."""
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
NAME_PATTERN = r"[a-z0-9][a-z0-9-]{0,31}"


class McpServer(Record, Base):
    __tablename__ = "mcp_servers"
    __options__ = ModelOptions(
        label="MCP server",
        label_plural="MCP servers",
        description="Servers whose tools the gateway offers under one address.",
        group="system",
        audited=WRITES,
        guarded=True,
        history=True,
        owner_column="person_id",
        access={"member": OWN},
        opened_by="mcp_own_servers",
    )

    name: Mapped[str] = field(
        Text,
        label="Name",
        required=True,
        unique=True,
        max_length=32,
        pattern=NAME_PATTERN,
        pattern_help="lower-case letters, digits and -, at most 32; it stands before the names of its tools",
    )
    transport: Mapped[str] = field(
        ChoiceText("stdio", "http", "sse"),
        label="Transport",
        required=True,
        help="stdio starts a program; http and sse reach a server by its address.",
    )
    command: Mapped[str | None] = field(Text, label="Command", max_length=4000, help="The program, for stdio.")
    args: Mapped[str] = field(
        TagsText, label="Arguments", default=[], item_type="line", help="Given to the program, in this order."
    )
    env: Mapped[str | None] = field(
        JsonText,
        label="Environment",
        write_only=True,
        item_type="text",
        help='Variables for the program, such as {"API_KEY": "${secret:weather}"}. Never shown again.',
    )
    cwd: Mapped[str | None] = field(Text, label="Folder", max_length=4000, help="Where the program starts.")
    url: Mapped[str | None] = field(UrlText, label="Address", max_length=4000, help="For http and sse.")
    headers: Mapped[str | None] = field(
        JsonText,
        label="Headers",
        write_only=True,
        item_type="text",
        help='Sent with every request, such as {"Authorization": "Bearer ${secret:weather}"}. Never shown again.',
    )
    sign_in: Mapped[str] = field(
        ChoiceText("shared", "each"),
        label="Sign-in",
        default="shared",
        help="For http and sse servers that want one (OAuth): an admin's for everybody, or each person's own.",
    )
    oauth_client_id: Mapped[str | None] = field(
        Text, label="OAuth client id", max_length=2000, help="Where programs can't register themselves."
    )
    oauth_client_secret: Mapped[str | None] = field(
        Text, label="OAuth client secret", write_only=True, max_length=4000, help="Never shown again."
    )
    person_id: Mapped[int | None] = field(
        Integer,
        label="Own server of",
        references="users",
        on_delete="CASCADE",
        read_only=True,
        help="Made by a person for themselves: a remote one, which they alone use.",
    )
    plugin: Mapped[str | None] = field(
        Text,
        label="Of the plugin",
        read_only=True,
        index=True,
        max_length=100,
        help="It comes and goes with this plugin, which decides what it is; you switch it and say who it is for.",
    )
    rate_per_minute: Mapped[int | None] = field(
        Integer,
        label="Calls per minute",
        minimum=1,
        maximum=1_000_000,
        help="Of each person, in place of the setting mcp_rate_per_minute.",
    )
    rate_burst: Mapped[int | None] = field(
        Integer, label="Calls at once", minimum=1, maximum=1_000_000, help="In place of the setting mcp_rate_burst."
    )
    enabled: Mapped[bool] = field(Boolean, label="Enabled", default=True)
    visibility: Mapped[str] = field(
        ChoiceText("admins", "everyone"), label="For", default="admins", help="Who may use its tools."
    )


def count_own_servers_sql() -> str:
    """How many servers of their own `:person_id` has."""
    table = McpServer.__table__
    return compile_sql(select(func.count()).select_from(table).where(table.c.person_id == bindparam("person_id")))


def header_problem(headers: Mapping[str, str]) -> str | None:
    """Why these can't be sent, None when they can. Says nothing of a value, which may be a secret."""
    for name, value in headers.items():
        if _HEADER_NAME.fullmatch(name) is None:
            return "the name of a header has letters, digits and - alone"
        if not (value.isascii() and (value.isprintable() or value.strip().isprintable())):
            return f"the value of {name} has a line break, or a character that headers can't have"
    return None


def check_mcp_server(row: Mapping[str, Any]) -> None:
    """Check a whole row, JSON columns as values. Raises ValidationFailed naming every field that does not fit."""
    errors: dict[str, FieldError] = {}
    if row["name"] in OWN_NAMES:
        errors["name"] = FieldError("reserved", f"{row['name']} is the name of a server that is part of this program")
    program = row["transport"] == "stdio"
    wanted, refused = ("command", "url") if program else ("url", "command")
    if not row[wanted]:
        errors[wanted] = FieldError("required", f"{row['transport']} needs it")
    if row[refused]:
        errors[refused] = FieldError("not_wanted", f"{row['transport']} has none")
    if row["url"] and urlsplit(row["url"]).username is not None:
        errors["url"] = FieldError("credentials", "put credentials into headers, which are never shown")
    for name in ("env", "headers"):
        value = row[name]
        if value is not None and not (
            isinstance(value, dict) and all(isinstance(item, str) for item in value.values())
        ):
            errors[name] = FieldError("wrong_type", "an object of texts is wanted")
    if "headers" not in errors and (problem := header_problem(row["headers"] or {})) is not None:
        errors["headers"] = FieldError("cant_be_sent", problem)
    if "env" not in errors and any(not name or "=" in name for name in row["env"] or {}):
        errors["env"] = FieldError("wrong_name", "the name of a variable has no = in it, and is not empty")
    given = {"command": row["command"], "cwd": row["cwd"], "url": row["url"], "args": " ".join(row["args"] or ())}
    for name, value in given.items():
        if value and "${secret:" in value:
            reason = "secrets go into env or headers: what stands here can be seen by others"
            errors[name] = FieldError("secret_not_here", reason)
    if errors:
        text = "; ".join(f"{name}: {error.message}" for name, error in errors.items())
        raise ValidationFailed(text, fields=errors)
