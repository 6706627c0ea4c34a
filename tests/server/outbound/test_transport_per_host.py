"""Connections that are kept: what one host proved on its connection counts for no other host."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from server.outbound import pinned_transport, transport_per_host
from server.outbound.pinned_transport import PublicTransport

pytestmark = pytest.mark.anyio


class Place:
    """One address with a certificate for honest.example and *.many.example; it keeps its connections."""

    def __init__(self) -> None:
        self.port = 0
        self.connections = 0
        self.asked: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                self.asked.append(head)
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


def _certificate(folder: Path) -> ssl.SSLContext:
    """What the place shows; it lies in `place.pem` as well, for those who are to trust it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "honest.example")])
    now, hour = datetime.datetime.now(datetime.UTC), datetime.timedelta(hours=1)
    names = x509.SubjectAlternativeName([x509.DNSName("honest.example"), x509.DNSName("*.many.example")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - hour, now + hour)
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    encoding, shape = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "place.pem").write_bytes(pem + key.private_bytes(encoding, shape, serialization.NoEncryption()))
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shown.load_cert_chain(folder / "place.pem")
    return shown


@pytest.fixture
async def place(tmp_path: Path, anyio_backend: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    async def all_lie_there(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    monkeypatch.setattr(pinned_transport, "places_of", all_lie_there)
    shown = _certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "place.pem"))
    made = Place()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=shown)
    made.port = server.sockets[0].getsockname()[1]
    async with server:
        yield made


async def test_a_host_is_not_called_on_a_connection_where_another_one_showed_its_certificate(place: Place) -> None:
    async with httpx2.AsyncClient(transport=PublicTransport(lambda: True)) as http:
        for _ in range(3):
            assert (await http.get(f"https://honest.example:{place.port}/")).text == "hi"
        assert place.connections == 1, "the connection of one host is kept"
        with pytest.raises(httpx2.ConnectError, match="(?i)certificate"):
            await http.get(f"https://victim.example:{place.port}/", headers={"authorization": "Bearer secret"})
    assert "secret" not in "".join(place.asked) and "victim" not in "".join(place.asked)


async def test_the_connections_of_the_hosts_longest_unused_are_ended(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport_per_host, "MOST_HOSTS", 2)
    async with httpx2.AsyncClient(transport=PublicTransport(lambda: True)) as http:
        async with http.stream("GET", f"https://honest.example:{place.port}/") as busy:
            for number in range(5):
                assert (await http.get(f"https://n{number}.many.example:{place.port}/")).text == "hi"
            assert await busy.aread() == b"hi", "one whose answer is being read is left alone"
        await http.get(f"https://n4.many.example:{place.port}/")
        assert place.connections == 6, "the latest is still there"
        await http.get(f"https://n0.many.example:{place.port}/")
        assert place.connections == 7, "an old one was ended"
