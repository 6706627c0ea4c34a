"""The guard at the door: it wraps the whole app and looks at every request before anything else does."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from server import log as server_log
from server.asgi.body import ROOM, BodyRoom
from server.asgi.replies import send_error
from server.asgi.traffic import Traffic
from server.asgi.visitors import Visitors
from server.config import SettingsHolder
from server.errors import Forbidden, GridBearError, InternalError, NotFound
from server.setting_fields import listed
from server.this_computer import lan_names

log = logging.getLogger(__name__)

SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
WELL_KNOWN = "/.well-known/"
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'{extra}; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
]
_PLAIN = [*_HEADERS, (b"content-security-policy", _CSP.format(extra="").encode())]
# Swagger UI draws its logo and arrows from data: addresses.
_DOCS = [*_HEADERS, (b"content-security-policy", _CSP.format(extra=" data:").encode())]
# A page or drawing that somebody has uploaded gets an origin of its own, in which nothing runs; browsers themselves
# style the page that shows a picture.
_UPLOADED = [
    *_HEADERS,
    (b"content-security-policy", b"sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
]
# A script, a sheet, a drawing or data is no page: nothing runs in it, and what else is said to pages is left unsaid.
# Opening a page asks for a hundred of them.
_PARTS = [
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]
_PART_TYPES = (".js", ".css", ".svg", ".woff2")
_FORWARDED = frozenset((b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip"))
_CORS_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_CORS_ASKED = ("authorization", "content-type", "if-match", "if-none-match", "last-event-id", "range",
               "mcp-method", "mcp-name", "mcp-protocol-version", "mcp-session-id")  # fmt: skip
_SIGN_IN = frozenset(("/auth/login", "/auth/setup", "/auth/link"))
_CORS_TOLD = ("content-disposition", "content-range", "etag", "location", "mcp-session-id", "ratelimit", "retry-after",
              "x-request-id")  # fmt: skip


class Guard:
    """Strips the base path, checks Host and Origin, gives the request its id and every answer its headers.

    Nothing is exempt from the Host check; the cross-site rule of DESIGN.md 13 B looks at unsafe requests with a cookie.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: SettingsHolder,
        needs_setup: Callable[[], bool],
        visitors: Visitors,
        traffic: Traffic,
    ) -> None:
        self._plain_app = app
        self._settings = settings
        self._needs_setup = needs_setup
        self._visitors = visitors
        self._bodies = BodyRoom()
        self._traffic = traffic
        self._reload()
        settings.subscribe(lambda _settings: self._reload())

    def _reload(self) -> None:
        current = self._settings.current
        self._hosts, self._origins = _allowed(self._settings)
        self._app = self._plain_app
        if origins := listed(current.cors_origins):
            # Without credentials: a page of another site acts with a token that it was given, never with the cookie.
            self._app = CORSMiddleware(
                self._plain_app, origins, _CORS_METHODS, _CORS_ASKED, expose_headers=_CORS_TOLD, max_age=600
            )
        proxies = listed(current.trusted_proxies)
        self._proxied = ProxyHeadersMiddleware(self._guarded, proxies) if proxies else None  # type: ignore[arg-type]  # uvicorn has its own types of the same shape

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            return
        client = scope.get("client")
        if self._visitors.first_at is None and client is not None:
            self._visitors.note(client[0])
        if self._proxied is not None and client is not None and client[0] in self._proxied.trusted_hosts:
            await self._proxied(scope, receive, send)  # type: ignore[arg-type]  # as above
            return
        if not _FORWARDED.isdisjoint([name for name, _ in scope["headers"]]):
            # Sent on by somebody whom nobody vouches for: it is not from this computer, whatever the socket says.
            scope["client"] = ("unlisted proxy", 0)
        await self._guarded(scope, receive, send)

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = _new_request_id()
        server_log.request_id.set(request_id)
        client = scope.get("client")
        server_log.caller_address.set(None if client is None else str(client[0]))
        own_headers = [*_headers_for(scope["path"]), (b"x-request-id", request_id.encode())]
        started = ended = False
        began = time.perf_counter()

        async def with_headers(message: Message) -> None:
            nonlocal started, ended
            if message["type"] == "http.response.start":
                started = True
                self._traffic.note(scope, message["status"], time.perf_counter() - began)
                message["headers"] = [*message["headers"], *own_headers]
            else:
                ended = not message.get("more_body", False)
            await send(message)

        share = self._bodies.share(self._settings.current.bodies_held_bytes)
        scope["state"] = {
            **scope.get("state", {}),
            "request_id": request_id,
            "needs_setup": self._needs_setup(),
            ROOM: share,
        }
        try:
            self._strip_base_path(scope)
            self._check(scope)
            await self._app(scope, receive, with_headers)
        except GridBearError as error:
            if started:
                raise
            await send_error(error, scope, receive, with_headers)
        except Exception:
            log.exception("%s %s failed", scope["method"], scope["path"])
            if ended:
                # Starlette raises an error once more after it has answered with it.
                return
            if started:
                raise
            broken = InternalError("Something went wrong on our side. The log has the details under the request id.")
            await send_error(broken, scope, receive, with_headers)
        finally:
            share.give_back()

    def _strip_base_path(self, scope: Scope) -> None:
        base = self._settings.current.base_path
        if not base:
            return
        path = _well_known_under(base, scope["path"]) or scope["path"]
        if path != base and not path.startswith(f"{base}/"):
            raise NotFound(f"This server answers under {base}/ (GRIDBEAR_BASE_PATH).")
        scope["path"] = path[len(base) :] or "/"
        scope["raw_path"] = scope["path"].encode()
        scope["root_path"] = ""

    def _check(self, scope: Scope) -> None:
        host = origin = site = b""
        hosts = 0
        cookie = False
        for name, value in scope["headers"]:
            if name == b"host":
                host = value
                hosts += 1
            elif name == b"origin":
                origin = value
            elif name == b"sec-fetch-site":
                site = value
            elif name == b"cookie":
                cookie = True
        if hosts != 1 or host.lower() not in self._hosts:
            raise Forbidden(
                f"This server does not answer to the host name {host.decode('latin-1')!r}. "
                "An admin can allow it with the setting allowed_hosts (GRIDBEAR_ALLOWED_HOSTS).",
                code="host_not_allowed",
            )
        # What signs somebody in is guarded without a cookie too: no site makes a browser somebody else's.
        if (cookie or scope["path"] in _SIGN_IN) and scope["method"] not in SAFE_METHODS:
            foreign = bool(origin) and not self._is_own(origin, scope["scheme"].encode(), host)
            if foreign or (site and site not in (b"same-origin", b"none")):
                raise Forbidden("Another web site tried to act in your name; nothing was done.", code="cross_site")

    def _is_own(self, origin: bytes, scheme: bytes, host: bytes) -> bool:
        lowered = origin.lower()
        return lowered == scheme + b"://" + host.lower() or (
            lowered in self._origins and lowered.partition(b"://")[2] == host.lower()
        )


def _new_request_id() -> str:
    # No secret, and asking the system for one would cost more than a look-up of a row. Logs are indexed by it: ids that
    # begin with the time go to the end of an index, and not each to a page of its own.
    return f"{time.time_ns() >> 20:011x}{random.getrandbits(20):05x}"


def _well_known_under(base: str, path: str) -> str | None:
    """The address under the base path of metadata that is asked for at the host's root (RFC 8414, RFC 9728)."""
    name, _, rest = path.removeprefix(WELL_KNOWN).partition("/")
    inserted = f"/{rest}"
    if not path.startswith(WELL_KNOWN) or (inserted != base and not inserted.startswith(f"{base}/")):
        return None
    return f"{base}{WELL_KNOWN}{name}{inserted[len(base) :]}"


def _allowed(settings: SettingsHolder) -> tuple[frozenset[bytes], frozenset[bytes]]:
    """Host headers that may pass, and origins with another scheme than http that count as our own."""
    current = settings.current
    hosts = {f"{name}:{current.port}" for name in ("127.0.0.1", "localhost", "[::1]")}
    if not current.is_loopback:
        hosts |= {f"{name}:{current.port}" for name in lan_names(current.host)}
    usual = "80" if current.tls == "off" else "443"
    if str(current.port) == usual:
        hosts |= {host.removesuffix(f":{usual}") for host in hosts}
    origins = set()
    for entry in listed(current.allowed_hosts):
        if "://" in entry:
            parts = urlsplit(entry)
            hosts.add(parts.netloc)
            origins.add(f"{parts.scheme}://{parts.netloc}")
        else:
            hosts.add(entry)
            if ":" not in entry.rpartition("]")[2]:
                hosts.add(f"{entry}:{current.port}")
    return frozenset(host.lower().encode() for host in hosts), frozenset(origin.lower().encode() for origin in origins)


def _headers_for(path: str) -> list[tuple[bytes, bytes]]:
    # The base path may still stand before it.
    if path.endswith("/content") and "/api/v1/files/" in path:
        return _UPLOADED
    if path.endswith(_PART_TYPES) or "/api/v1/" in path:
        return _PARTS
    return _DOCS if path.endswith("/api/docs") else _PLAIN
