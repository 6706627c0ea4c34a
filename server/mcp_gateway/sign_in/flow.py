"""One sign-in on its way: the SDK's OAuth client does the protocol, a person says yes in between.

Imports the SDK: only when somebody signs in.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp.client.auth import OAuthClientProvider
from mcp.client.auth.exceptions import OAuthFlowError, OAuthRegistrationError
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from pydantic import AnyUrl, ValidationError

from server import __version__
from server.errors import UpstreamFailed
from server.mcp_gateway.sign_in.guarded_transport import GuardedTransport
from server.mcp_gateway.sign_in.tokens import REQUEST_SECONDS, Tokens, ends
from server.outbound.pinned_transport import AddressRefused

# Its errors carry whole answers of authorization servers, and every one of them is told to the person here.
logging.getLogger("mcp.client.auth").setLevel(logging.CRITICAL)

_HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "gridbear-desktop", "version": __version__},
    },
}
_HEADERS = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-06-18"}


class _Memory:
    """The SDK's storage: what this one sign-in gave."""

    def __init__(self, client: OAuthClientInformationFull | None) -> None:
        self.client = client
        self.tokens: OAuthToken | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return None

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


class Flow:
    """`address()` is where the person says yes; `answered` hands over what came back; `result()` is what it gave."""

    def __init__(
        self,
        url: str,
        redirect: str,
        client_id: str | None,
        client_secret: str | None,
        *,
        seconds: float,
        trusted: bool = True,
    ) -> None:
        """`trusted`: an admin chose `url`, so it may lie anywhere."""
        self._url = url
        self._home = url if trusted else None
        self._redirect = redirect
        self._seconds = seconds
        loop = asyncio.get_running_loop()
        self._address: asyncio.Future[str] = loop.create_future()
        self._answer: asyncio.Future[AuthorizationCodeResult] = loop.create_future()
        given = None
        if client_id:
            given = OAuthClientInformationFull(
                client_id=client_id,
                client_secret=client_secret or None,
                redirect_uris=[AnyUrl(redirect)],
                token_endpoint_auth_method="client_secret_post" if client_secret else "none",
            )
        self._memory = _Memory(given)
        self._provider = OAuthClientProvider(
            url,
            OAuthClientMetadata(client_name="GridBear", redirect_uris=[AnyUrl(redirect)]),
            self._memory,
            redirect_handler=self._show,
            callback_handler=self._wait,
        )
        self._task = asyncio.create_task(self._run(), name=f"sign-in to {urlsplit(url).hostname}")
        # Nobody may be left who asks: the person went away.
        self._task.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def address(self, seconds: float) -> tuple[str, str]:
        """The address to open, and the state by which the answer is known again. Raises UpstreamFailed."""
        waited: set[asyncio.Future[Any]] = {self._address, self._task}
        await asyncio.wait(waited, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if not self._address.done():
            if self._task.done():
                await self._task
            self.cancel()
            raise UpstreamFailed(f"The server did not say within {seconds:g} s where to sign in.")
        address = self._address.result()
        parts = urlsplit(address)
        states = parse_qs(parts.query).get("state", [])
        if parts.scheme not in ("http", "https") or not parts.hostname or len(states) != 1:
            self.cancel()
            raise UpstreamFailed("The server sends people to an address that is no web page.")
        return address, states[0]

    def answered(self, code: str, state: str, iss: str | None) -> None:
        """The person said yes."""
        if not self._answer.done():
            self._answer.set_result(AuthorizationCodeResult(code=code, state=state, iss=iss))

    async def result(self, seconds: float) -> tuple[Tokens, str, list[str]]:
        """Tokens, the name of who issued them, and scopes. Raises UpstreamFailed."""
        done, _ = await asyncio.wait({self._task}, timeout=seconds)
        if not done:
            self.cancel()
            raise UpstreamFailed(f"The server gave no token within {seconds:g} s.")
        return await self._task

    def cancel(self) -> None:
        """Nobody waits any longer."""
        self._task.cancel()
        self._answer.cancel()

    async def _show(self, address: str) -> None:
        self._address.set_result(address)

    async def _wait(self) -> AuthorizationCodeResult:
        return await self._answer

    async def _run(self) -> tuple[Tokens, str, list[str]]:
        try:
            async with (
                asyncio.timeout(self._seconds),
                httpx2.AsyncClient(
                    transport=GuardedTransport(self._home),
                    auth=self._provider,
                    timeout=REQUEST_SECONDS,
                    follow_redirects=False,
                    trust_env=False,
                ) as http,
            ):
                response = await http.post(self._url, json=_HELLO, headers=_HEADERS)
        except AddressRefused as error:
            raise UpstreamFailed(f"The sign-in leads where nobody may be sent: {error}") from error
        except OAuthRegistrationError as error:
            raise UpstreamFailed(
                "The server lets no program register itself. Register one there with the redirect address "
                f"{self._redirect}, and write its id (and secret) into the record of the MCP server."
            ) from error
        except OAuthFlowError as error:
            raise UpstreamFailed("The server's sign-in does not follow the rules (OAuth 2.1), or refused.") from error
        except TimeoutError:
            raise UpstreamFailed(f"Nobody said yes within {self._seconds:g} s.") from None
        except (httpx2.HTTPError, ValidationError, ValueError) as error:
            raise UpstreamFailed("The server can't be reached for a sign-in, or answers nonsense.") from error
        if self._memory.tokens is None:
            raise UpstreamFailed(f"The server wants no sign-in: it answers {response.status_code} without one.")
        return self._kept(self._memory.tokens)

    def _kept(self, tokens: OAuthToken) -> tuple[Tokens, str, list[str]]:
        context, client = self._provider.context, self._memory.client
        assert client is not None and client.client_id is not None
        found = context.oauth_metadata
        site = context.get_authorization_base_url(self._url)
        resource = context.get_resource_url() if context.should_include_resource_param("2025-06-18") else None
        revocation = found.revocation_endpoint if found else None
        kept = Tokens(
            access_token=tokens.access_token,
            refresh_token=tokens.refresh_token,
            expires_at=ends(time.time(), tokens.expires_in),
            token_endpoint=str(found.token_endpoint) if found else f"{site}/token",
            revocation_endpoint=str(revocation) if revocation else None,
            resource=resource,
            client_id=client.client_id,
            client_secret=client.client_secret,
            auth_method=client.token_endpoint_auth_method,
        )
        return kept, str(found.issuer) if found else site, (tokens.scope or "").split()
