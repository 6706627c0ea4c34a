"""The two documents by which a client finds its way: of the authorization server, and of a protected resource."""

from __future__ import annotations

from typing import Any

from server.access.actor import SCOPES
from server.auth.oauth.addresses import CHALLENGE_SCOPE, resource_of

AUTHORIZE = "/oauth/authorize"
CONSENT = "/oauth/consent"
TOKEN = "/oauth/token"
REGISTER = "/oauth/register"
REVOKE = "/oauth/revoke"


def server_metadata(issuer: str) -> dict[str, Any]:
    """RFC 8414: the endpoints and what they can do."""
    return {
        "issuer": issuer,
        "authorization_endpoint": issuer + AUTHORIZE,
        "token_endpoint": issuer + TOKEN,
        "registration_endpoint": issuer + REGISTER,
        "revocation_endpoint": issuer + REVOKE,
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "client_id_metadata_document_supported": True,
    }


def resource_metadata(issuer: str, path: str) -> dict[str, Any]:
    """RFC 9728: who issues tokens for the address `path`, and with which scope."""
    return {
        "resource": resource_of(issuer, path),
        "authorization_servers": [issuer],
        "scopes_supported": [CHALLENGE_SCOPE],
        "bearer_methods_supported": ["header"],
        "resource_name": "GridBear",
    }
