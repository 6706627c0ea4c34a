"""MCP servers that people who are no admins make for themselves: remote ones, and where these may lie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from server.config import Settings
from server.errors import FieldError
from server.mcp_gateway.upstreams.references import refers_to_secrets
from server.outbound.places import is_public
from server.setting_fields import listed


def own_prefix(person: int) -> str:
    """What the names of a person's own servers begin with: so they never meet another's, seen or not."""
    return f"u{person}-"


def name_problem(name: str, person: int) -> FieldError | None:
    """Why a person's own server can't have this name."""
    prefix = own_prefix(person)
    if name.startswith(prefix):
        return None
    return FieldError("own_prefix", f"the names of your own servers begin with {prefix}")


def is_listed_host(url: str, settings: Settings) -> bool:
    """Whether an admin has listed the host of `url`: it may be reached by http, and in a private network."""
    host = (urlsplit(url).hostname or "").lower()
    return bool(host) and host in {one.lower() for one in listed(settings.mcp_own_server_hosts)}


def address_problem(url: str, settings: Settings) -> FieldError | None:
    """Why `url` can't be a person's own server, as far as it can be told without looking its host up."""
    if is_listed_host(url, settings):
        return None
    parts = urlsplit(url)
    if parts.scheme != "https":
        return FieldError("needs_https", "https is wanted, or a host that an admin listed (mcp_own_server_hosts)")
    host = parts.hostname or ""
    looks_like_place = ":" in host or host.replace(".", "").isdigit()
    if host == "localhost" or host.endswith(".localhost") or (looks_like_place and not is_public(host)):
        return FieldError("private_address", "it lies on this computer or in a private network")
    return None


def own_server_problems(row: Mapping[str, Any], settings: Settings) -> dict[str, FieldError]:
    """What of a whole row, with its write-only fields, can't be in a person's own server."""
    errors: dict[str, FieldError] = {}
    if (problem := name_problem(row["name"], row["person_id"])) is not None:
        errors["name"] = problem
    if row["transport"] == "stdio":
        errors["transport"] = FieldError("not_remote", "only admins make servers that start programs; http or sse")
    for name in ("command", "args", "env", "cwd"):
        if row[name]:
            errors[name] = FieldError("not_remote", "only for servers that start programs, which admins make")
    if row["visibility"] != "admins":
        errors["visibility"] = FieldError("own_server", "it is for you alone")
    if row["url"] and (wrong := address_problem(row["url"], settings)) is not None:
        errors["url"] = wrong
    if isinstance(row["headers"], dict) and refers_to_secrets({str(k): str(v) for k, v in row["headers"].items()}):
        errors["headers"] = FieldError("secret_not_here", "the secrets of this server are its admins'; write the value")
    return errors
