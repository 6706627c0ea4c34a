"""A client of OAuth by hand: every step of it with whatever a test wants to be wrong."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2

ORIGIN = "http://127.0.0.1:8088"
REDIRECT = "http://127.0.0.1:7777/callback"
VERIFIER = "v" * 50
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


@dataclass
class App:
    """A program without any credential of a person."""

    http: httpx2.AsyncClient
    redirect: str = REDIRECT
    client_id: str = ""

    async def register(self, **metadata: Any) -> httpx2.Response:
        body = {"client_name": "Test app", "redirect_uris": [self.redirect], **metadata}
        answer = await self.http.post("/oauth/register", json=body)
        if answer.status_code == 201:
            self.client_id = answer.json()["client_id"]
        return answer

    def request(self, **changes: str | None) -> dict[str, str]:
        """An authorization request; None leaves a parameter out."""
        asked: dict[str, str | None] = {
            "client_id": self.client_id,
            "redirect_uri": self.redirect,
            "response_type": "code",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            "state": "a state",
            "scope": "mcp",
            "resource": f"{ORIGIN}/mcp",
        }
        return {name: value for name, value in {**asked, **changes}.items() if value is not None}

    async def allowed_by(self, person: httpx2.AsyncClient, **changes: str | None) -> str:
        """The code that the app gets when a signed-in `person` says yes."""
        return query_of(await decided(person, self.request(**changes)))["code"]

    async def exchange(self, code: str, **changes: str | None) -> httpx2.Response:
        form = {
            "grant_type": "authorization_code",
            "client_id": self.client_id,
            "code": code,
            "code_verifier": VERIFIER,
            "redirect_uri": self.redirect,
            "resource": f"{ORIGIN}/mcp",
            **changes,
        }
        sent = {name: value for name, value in form.items() if value is not None}
        return await self.http.post("/oauth/token", data=sent)

    async def refresh(self, token: str, **changes: str) -> httpx2.Response:
        form = {"grant_type": "refresh_token", "client_id": self.client_id, "refresh_token": token, **changes}
        return await self.http.post("/oauth/token", data=form)

    async def tokens(self, person: httpx2.AsyncClient, **changes: str | None) -> dict[str, Any]:
        """Tokens that `person` allowed."""
        code = await self.allowed_by(person, **changes)
        answer = await self.exchange(code, resource=changes.get("resource", f"{ORIGIN}/mcp"))
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def tools(self, token: str, path: str = "/mcp") -> httpx2.Response:
        """The answer of the gateway to `tools/list` with a token."""
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
        headers = {"accept": "application/json, text/event-stream", "authorization": f"Bearer {token}"}
        return await self.http.post(path, json=body, headers=headers)


async def decided(
    person: httpx2.AsyncClient, request: dict[str, str], decision: str = "allow", *, site: str = ""
) -> str:
    """Where the browser is sent after a decision."""
    answer = await person.post(f"{site}/oauth/consent/decide", data={**request, "decision": decision})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["data"]["redirect"])


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
