"""Our side of the MCP SDK's OAuth handlers. Only requests that need them import this: the SDK costs 0.5 s and 30 MB."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import orjson
from mcp.server.auth.handlers.authorize import AuthorizationHandler
from mcp.server.auth.handlers.register import RegistrationHandler
from mcp.server.auth.handlers.token import TokenHandler
from mcp.server.auth.middleware.client_auth import ClientAuthenticator
from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizationParams,
    AuthorizeError,
    OAuthAuthorizationServerProvider,
    RefreshToken,
    RegistrationError,
    TokenError,
    construct_redirect_uri,
)
from mcp.server.auth.settings import ClientRegistrationOptions
from mcp.shared.auth import InvalidRedirectUriError, InvalidScopeError, OAuthClientInformationFull, OAuthToken
from pydantic import AnyUrl, PrivateAttr
from starlette.requests import Request
from starlette.responses import Response

from server.access.actor import SCOPES, Actor
from server.auth.oauth.addresses import CHALLENGE_SCOPE, canonical, server_named_by
from server.auth.oauth.clients import Clients, KnownClient
from server.auth.oauth.grants import Grants, Issued
from server.auth.oauth.redirects import is_redirect_of
from server.errors import BadRequest, GridBearError, ValidationFailed

CHALLENGE_LENGTH = 43
"""Letters of a SHA-256 in base64url."""
_CHALLENGE_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


class _Client(OAuthClientInformationFull):
    """A client as the handlers see it: our scopes, and redirects compared letter for letter."""

    _raw_redirect: str | None = PrivateAttr(None)
    _redirects: list[str] = PrivateAttr(default_factory=list)

    @classmethod
    def of(cls, client: KnownClient, raw_redirect: str | None) -> _Client:
        made = cls.model_validate(
            {
                "client_id": client.identifier,
                "redirect_uris": client.redirects,
                "token_endpoint_auth_method": "none",
                "client_name": client.name,
            }
        )
        made._raw_redirect, made._redirects = raw_redirect, client.redirects
        return made

    def validate_scope(self, requested_scope: str | None) -> list[str] | None:
        asked = (requested_scope or CHALLENGE_SCOPE).split()
        for scope in asked:
            if scope not in SCOPES:
                raise InvalidScopeError(f"There is no scope {scope!r}; there are {', '.join(SCOPES)}.")
        return list(dict.fromkeys(asked))

    def validate_redirect_uri(self, redirect_uri: AnyUrl | None) -> AnyUrl:
        if redirect_uri is None:
            return super().validate_redirect_uri(None)
        if self._raw_redirect is None or not is_redirect_of(self._redirects, self._raw_redirect):
            raise InvalidRedirectUriError("The redirect is none of those that the app registered.")
        return redirect_uri


@dataclass
class Asked:
    """What a client asks a person for, checked: `client` may be let in with it."""

    client: KnownClient
    scopes: tuple[str, ...]
    resource: str
    server: str
    redirect: str
    parameters: AuthorizationParams


@dataclass
class Back:
    """The request was wrong, or was denied: where the client waits to hear of it."""

    error: str
    description: str
    url: str


class _Side(OAuthAuthorizationServerProvider[AuthorizationCode, RefreshToken, AccessToken]):
    """A provider for one request: each of those below does what its handler calls, and nothing else."""

    def __init__(self, clients: Clients, issuer: str) -> None:
        self.clients = clients
        self.issuer = issuer

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        return None

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        raise RegistrationError("invalid_client_metadata")

    async def authorize(self, client: OAuthClientInformationFull, params: AuthorizationParams) -> str:
        raise AuthorizeError("server_error")

    async def load_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: str
    ) -> AuthorizationCode | None:
        return None

    async def exchange_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: AuthorizationCode
    ) -> OAuthToken:
        raise TokenError("invalid_grant")

    async def load_refresh_token(self, client: OAuthClientInformationFull, refresh_token: str) -> RefreshToken | None:
        return None

    async def exchange_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: RefreshToken, scopes: list[str]
    ) -> OAuthToken:
        raise TokenError("invalid_grant")

    async def load_access_token(self, token: str) -> AccessToken | None:
        return None

    async def revoke_token(self, token: AccessToken | RefreshToken) -> None:
        return None


class _Asking(_Side):
    """Reads an authorization request for the person who is asked."""

    def __init__(self, clients: Clients, issuer: str, user_id: int, redirect: str | None, denied: bool) -> None:
        super().__init__(clients, issuer)
        self._user_id = user_id
        self._redirect = redirect
        self._denied = denied
        self._client: KnownClient | None = None
        self.asked: Asked | None = None
        self.problem: GridBearError | None = None

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        if self.problem is not None:
            # The handlers ask once more for an error's redirect.
            return None
        try:
            self._client = await self.clients.look(client_id, self._user_id)
        except GridBearError as error:
            self.problem = error
            return None
        return None if self._client is None else _Client.of(self._client, self._redirect)

    async def authorize(self, client: OAuthClientInformationFull, params: AuthorizationParams) -> str:
        assert self._client is not None
        if len(params.code_challenge) != CHALLENGE_LENGTH or not set(params.code_challenge) <= _CHALLENGE_LETTERS:
            raise AuthorizeError("invalid_request", "code_challenge: the base64url SHA-256 of the verifier is wanted")
        resource = canonical(params.resource or f"{self.issuer}/mcp")
        server = server_named_by(self.issuer, resource)
        if server is None:
            raise AuthorizeError("invalid_target", f"Tokens are made for {self.issuer}/mcp and the addresses below it.")
        if self._denied:
            raise AuthorizeError("access_denied", "The person did not allow it.")
        scopes = tuple(params.scopes or (CHALLENGE_SCOPE,))
        self.asked = Asked(self._client, scopes, resource, server, str(params.redirect_uri), params)
        return "/"


async def read_asked(
    request: Request, clients: Clients, issuer: str, user_id: int, *, denied: bool = False
) -> Asked | Back:
    """What an authorization request asks for. Raises BadRequest when nobody may be told but the person."""
    form = await request.form()
    raw = form.get("redirect_uri")
    asking = _Asking(clients, issuer, user_id, raw if isinstance(raw, str) else None, denied)
    answer = await AuthorizationHandler(asking).handle(request)
    if asking.problem is not None:
        raise asking.problem
    if asking.asked is not None:
        return asking.asked
    location = answer.headers.get("location")
    if location is None:
        told = orjson.loads(answer.body)
        raise BadRequest(told.get("error_description") or told["error"], code=told["error"])
    url = construct_redirect_uri(location, iss=issuer)
    error, description = _told(location)
    return Back(error, description, url)


def allowed(asked: Asked, scopes: tuple[str, ...], grants: Grants, client_row: int, actor: Actor, issuer: str) -> str:
    """The address to send the browser to with a code for `scopes`."""
    code = grants.issue_code(
        actor,
        client_row=client_row,
        client=asked.client.identifier,
        client_name=asked.client.name,
        scopes=scopes,
        resource=asked.resource,
        redirect=asked.redirect,
        redirect_was_given=asked.parameters.redirect_uri_provided_explicitly,
        challenge=asked.parameters.code_challenge,
    )
    return construct_redirect_uri(asked.redirect, code=code, state=asked.parameters.state, iss=issuer)


class _Exchange(_Side):
    """Codes and refresh tokens in, tokens out."""

    def __init__(self, clients: Clients, issuer: str, grants: Grants, resource: str | None) -> None:
        super().__init__(clients, issuer)
        self._grants = grants
        self._resource = None if resource is None else canonical(resource)

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        stored = self.clients.stored(client_id)
        return None if stored is None else _Client.of(stored, None)

    async def load_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: str
    ) -> AuthorizationCode | None:
        permission = await self._grants.permission_of(authorization_code)
        if permission is None or permission.client != client.client_id:
            return None
        return AuthorizationCode(
            code=authorization_code,
            scopes=list(permission.scopes),
            expires_at=permission.ends,
            client_id=permission.client,
            code_challenge=permission.challenge,
            redirect_uri=AnyUrl(permission.redirect),
            redirect_uri_provided_explicitly=permission.redirect_was_given,
            resource=permission.resource,
        )

    async def exchange_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: AuthorizationCode
    ) -> OAuthToken:
        self._check_resource(authorization_code.resource)
        return _token(await self._grants.redeem(authorization_code.code))

    async def load_refresh_token(self, client: OAuthClientInformationFull, refresh_token: str) -> RefreshToken | None:
        row = await self._grants.row_of_refresh(refresh_token)
        stored = self.clients.stored(client.client_id)
        if row is None or stored is None or row["client_id"] != stored.row_id:
            return None
        return RefreshToken(
            token=refresh_token, client_id=client.client_id, scopes=list(row["scopes"]), resource=row["resource"]
        )

    async def exchange_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: RefreshToken, scopes: list[str]
    ) -> OAuthToken:
        self._check_resource(refresh_token.resource)
        return _token(await self._grants.refresh(refresh_token.token, tuple(scopes)))

    def _check_resource(self, resource: str | None) -> None:
        if self._resource is not None and self._resource != resource:
            raise TokenError("invalid_target", "The person allowed it for another resource.")


async def token_answer(request: Request, clients: Clients, issuer: str, grants: Grants) -> Response:
    """The answer to a token request, whose form was read."""
    form = await request.form()
    resource = form.get("resource")
    exchange = _Exchange(clients, issuer, grants, resource if isinstance(resource, str) else None)
    answer: Response = await TokenHandler(exchange, ClientAuthenticator(exchange)).handle(request)
    return answer


class _Registering(_Side):
    """Keeps clients that register, all of them public ones: a secret in a program that people install is none."""

    def __init__(self, clients: Clients, issuer: str, address: str, body: bytes) -> None:
        super().__init__(clients, issuer)
        self._address = address
        self._body = body

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        client_info.client_secret = None
        client_info.client_secret_expires_at = None
        client_info.token_endpoint_auth_method = "none"
        client_info.scope = " ".join(SCOPES)
        try:
            # As it was sent: redirects are compared letter for letter.
            await self.clients.register(client_info.client_id, orjson.loads(self._body), self._address)
        except ValidationFailed as error:
            raise RegistrationError("invalid_redirect_uri", error.message) from None


async def registration_answer(request: Request, clients: Clients, issuer: str, address: str) -> Response:
    """The answer to a registration. Raises RateLimited."""
    options = ClientRegistrationOptions(enabled=True, valid_scopes=list(SCOPES), default_scopes=[CHALLENGE_SCOPE])
    side = _Registering(clients, issuer, address, await request.body())
    answer = await RegistrationHandler(side, options).handle(request)
    answer.headers["cache-control"] = "no-store"
    return answer


def _token(issued: Issued | None) -> OAuthToken:
    if issued is None:
        raise TokenError("invalid_grant", "It was used, has expired or was withdrawn. Ask the person again.")
    return OAuthToken(
        access_token=issued.access_token,
        expires_in=issued.seconds,
        scope=" ".join(issued.scopes),
        refresh_token=issued.refresh_token,
    )


def _told(location: str) -> tuple[str, str]:
    told = parse_qs(urlsplit(location).query)
    with contextlib.suppress(KeyError):
        return told["error"][-1], told.get("error_description", [""])[-1]
    return "server_error", ""
