"""Client ID metadata documents: read from an https address, and never from this network unless that is allowed."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from server.auth.oauth import documents
from server.auth.oauth.documents import Documents, is_document_address
from server.outbound.places import is_public
from tests.conftest import Bear
from tests.server.auth.oauth.tests_oauth_support import App

pytestmark = pytest.mark.anyio


class Site:
    """A web site on this computer, by https."""

    def __init__(self, port: int, trust: ssl.SSLContext) -> None:
        self.address = f"https://localhost:{port}/client.json"
        self.trust = trust
        self.asked: list[str] = []
        self.head = "200 OK\r\ncontent-type: application/json"
        self.awake = asyncio.Event()
        self.awake.set()
        self.body = orjson.dumps(self.document())

    def document(self, **changes: Any) -> dict[str, Any]:
        return {
            "client_id": self.address,
            "client_name": "Documented app",
            "redirect_uris": ["http://127.0.0.1/callback", self.address.replace("client.json", "cb")],
            **changes,
        }

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
        await self.awake.wait()
        writer.write(f"HTTP/1.1 {self.head}\r\nconnection: close\r\n\r\n".encode() + self.body)
        writer.close()


@pytest.fixture
async def site(tmp_path: Path, anyio_backend: str) -> AsyncIterator[Site]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    alternative = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(alternative, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "site.pem").write_bytes(pem + private)
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(tmp_path / "site.pem")
    trust = ssl.create_default_context(cadata=pem.decode())
    server = await asyncio.start_server(lambda r, w: made.answer(r, w), "127.0.0.1", 0, ssl=own)
    made = Site(server.sockets[0].getsockname()[1], trust)
    async with server:
        yield made


@pytest.fixture
async def app(bear: Bear, admin: httpx2.AsyncClient, site: Site) -> App:
    """An app whose client id is the address of its document, where private networks are allowed."""
    settings = bear.app.settings
    settings.publish(settings.current.model_copy(update={"oauth_private_documents": True}))
    bear.app.oauth_clients.documents = Documents(settings, tls=site.trust)
    return App(await bear.client(), client_id=site.address)


async def test_an_app_is_let_in_by_its_document_which_is_read_once(
    app: App, max_in: httpx2.AsyncClient, admin: httpx2.AsyncClient, site: Site
) -> None:
    told = (await max_in.post("/oauth/consent/look", data=app.request())).json()["data"]
    client = {"id": site.address, "name": "Documented app", "kind": "document", "verified": False}
    assert told["client"] == client, "what listens on a port of this computer is vouched for by nobody"
    issued = await app.tokens(max_in)
    assert len(site.asked) == 1 and "host: localhost:" in site.asked[0].lower() and "cookie" not in site.asked[0]
    assert (await app.tools(issued["access_token"])).status_code != 401
    assert (await app.refresh(issued["refresh_token"])).status_code == 200
    assert len(site.asked) == 1
    row = (await admin.get("/api/v1/oauth_clients")).json()["data"][0]
    assert row["kind"] == "document" and row["identifier"] == site.address and row["confirmed_at"]
    app.redirect = site.address.replace("client.json", "cb")
    told = (await max_in.post("/oauth/consent/look", data=app.request())).json()["data"]
    assert told["client"]["verified"] is True, "the site vouches for its own address"
    told = await max_in.post("/oauth/consent/look", data=app.request(redirect_uri="https://evil.example/"))
    assert told.status_code == 400


async def test_nobody_makes_the_server_read_an_address_without_signing_in(app: App, site: Site) -> None:
    assert (await app.http.get("/oauth/authorize", params=app.request())).status_code == 302
    assert (await app.http.post("/oauth/consent/look", data=app.request())).status_code == 401
    assert (await app.exchange("code")).status_code == 401
    assert (await app.http.post("/oauth/revoke", data={"client_id": site.address, "token": "x"})).status_code == 401
    assert site.asked == []


async def test_a_document_that_is_not_what_it_must_be_lets_nobody_in(
    bear: Bear, app: App, max_in: httpx2.AsyncClient, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = site.head
    monkeypatch.setattr(documents, "MOST_SECONDS", 0.3)
    for head, body in (
        (good, b"{"),
        (good, b"[]"),
        (good, orjson.dumps(site.document(client_id="https://other.example/client.json"))),
        (good, orjson.dumps(site.document(token_endpoint_auth_method="client_secret_post"))),
        (good, orjson.dumps(site.document(client_secret="x"))),
        (good, orjson.dumps(site.document(redirect_uris=["javascript:alert(1)"]))),
        (good, orjson.dumps(site.document(redirect_uris=[]))),
        (good, orjson.dumps(site.document(pad="x" * documents.MOST_BYTES))),
        ("200 OK\r\ncontent-type: text/html", site.body),
        ("404 Not Found\r\ncontent-type: application/json", site.body),
        (f"302 Found\r\nlocation: {site.address}", b""),
    ):
        site.head, site.body = head, body
        answer = await max_in.post("/oauth/consent/look", data=app.request())
        assert answer.status_code == 422 and "data" not in answer.json(), (head, body[:80], answer.text)
        bear.app.oauth_clients.documents = Documents(bear.app.settings, tls=site.trust)
    site.head, site.body = good, orjson.dumps(site.document())
    site.awake.clear()
    answer = await max_in.post("/oauth/consent/look", data={**app.request(), "client_id": site.address + "x"})
    assert answer.status_code == 422
    assert "did not come" in answer.json()["error"]
    site.awake.set()


async def test_private_addresses_and_certificates_of_nobody_are_refused(
    bear: Bear, max_in: httpx2.AsyncClient, site: Site
) -> None:
    app = App(await bear.client(), client_id=site.address)
    settings = bear.app.settings
    bear.app.oauth_clients.documents = Documents(settings, tls=site.trust)
    refused = await max_in.post("/oauth/consent/look", data=app.request())
    assert refused.status_code == 422 and "private network" in refused.json()["error"]
    assert site.asked == []
    settings.publish(settings.current.model_copy(update={"oauth_private_documents": True}))
    bear.app.oauth_clients.documents = Documents(settings)
    refused = await max_in.post("/oauth/consent/look", data=app.request())
    assert refused.status_code == 422 and "reached" in refused.json()["error"], "its certificate is unknown"
    assert site.asked == []


@pytest.mark.parametrize(
    "place",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "::1", "::", "fe80::1%eth0", "fd00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "2002:7f00:1::", "64:ff9b::7f00:1", "ff02::1", "2001:db8::1", "240.0.0.1", "nonsense",
    ],
)  # fmt: skip
def test_an_address_of_a_private_network_is_not_public(place: str) -> None:
    assert not is_public(place)


def test_public_addresses_and_the_form_of_documents() -> None:
    for place in ("8.8.8.8", "93.184.216.34", "2606:4700::1111"):
        assert ipaddress.ip_address(place) and is_public(place)
    assert is_document_address("https://app.example/client.json")
    for address in (
        "http://app.example/client.json", "https://app.example", "https://app.example/", "https:///x",
        "https://app.example/x#y", "https://app.example/x?y", "https://u@app.example/x", "https://app.example/a/../b",
        "https://app.example/\u0430", "https://app.example:99999/x", "https://app.example/" + "x" * 2000, "file:///x",
    ):  # fmt: skip
        assert not is_document_address(address), address
