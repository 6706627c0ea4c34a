"""The addresses of OAuth: who issues tokens (RFC 8414), what they are good for (RFC 8707), where that is told."""

from __future__ import annotations

from urllib.parse import quote

from starlette.types import Scope

from server.errors import Forbidden
from server.this_computer import is_loopback_host

CHALLENGE_SCOPE = "mcp"
SERVER_METADATA = "/.well-known/oauth-authorization-server"
SERVER_METADATA_ALIAS = "/.well-known/openid-configuration"
RESOURCE_METADATA = "/.well-known/oauth-protected-resource"
NEEDS_HTTPS = (
    "Apps sign in by OAuth over https, or over http on the server's own computer. Over plain http on a network use a "
    "personal API token: Authorization: Bearer gb_…"
)


def issuer_of(scope: Scope, base_path: str) -> str | None:
    """The issuer as this request reaches it; None where a code or token could be read on its way."""
    host = next((value.decode("latin-1").lower() for name, value in scope["headers"] if name == b"host"), "")
    client = scope.get("client")
    local = client is not None and is_loopback_host(str(client[0])) and is_loopback_host(_name(host))
    if scope["scheme"] != "https" and not local:
        return None
    return f"{scope['scheme']}://{host}{base_path}"


def https_issuer(scope: Scope, base_path: str) -> str:
    """The same where there is one. Raises Forbidden."""
    found = issuer_of(scope, base_path)
    if found is None:
        raise Forbidden(NEEDS_HTTPS, code="oauth_needs_https")
    return found


def is_mcp_path(path: str) -> bool:
    """Whether `path`, without the base path, is one of the gateway's."""
    return path == "/mcp" or path.startswith("/mcp/")


def resource_of(issuer: str, path: str) -> str:
    """The resource that a request to `path` asks for."""
    return issuer + path.rstrip("/")


def server_named_by(issuer: str, resource: str) -> str | None:
    """The MCP server whose address `resource` is, "" for that of all servers; None when it is none of ours."""
    path = canonical(resource).removeprefix(issuer)
    if path == canonical(resource) or not is_mcp_path(path):
        return None
    name = path.removeprefix("/mcp").removeprefix("/")
    return None if "/" in name or "?" in name or "#" in name else name


def canonical(resource: str) -> str:
    """A resource with scheme and host in small letters and without a slash at its end."""
    scheme, separator, rest = resource.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme.lower()}{separator}{host.lower()}{slash}{path}".rstrip("/")


def challenge(issuer: str | None, path: str, *, insufficient: bool) -> bytes:
    """The WWW-Authenticate header of a refused request to the gateway (RFC 9728, RFC 6750)."""
    if issuer is None:
        return b"Bearer"
    parts = ['error="insufficient_scope"'] if insufficient else []
    # The address may be anything that somebody asked for: no sign of it ends the value, or can't be in a header.
    named = quote(path.rstrip("/"), errors="replace")
    parts += [f'resource_metadata="{issuer}{RESOURCE_METADATA}{named}"', f'scope="{CHALLENGE_SCOPE}"']
    return f"Bearer {', '.join(parts)}".encode("latin-1", "replace")


def _name(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]
