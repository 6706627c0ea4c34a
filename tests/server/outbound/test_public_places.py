"""Which addresses are the public Internet, which a network of people, and which neither."""

from __future__ import annotations

import httpx2
import pytest

from server.outbound import pinned_transport
from server.outbound.pinned_transport import AddressRefused, PublicTransport
from server.outbound.places import is_in_a_network_of_people, is_public


@pytest.mark.parametrize(
    "place", ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8"],
)  # fmt: skip
def test_the_public_internet(place: str) -> None:
    assert is_public(place) and not is_in_a_network_of_people(place)


@pytest.mark.parametrize(
    "place", ["127.0.0.1", "127.9.9.9", "::1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "fd12:3456::1", "198.18.0.7",
              "::ffff:127.0.0.1", "::ffff:192.168.1.1"],
)  # fmt: skip
def test_this_computer_and_private_networks(place: str) -> None:
    assert is_in_a_network_of_people(place) and not is_public(place)


@pytest.mark.parametrize(
    "place",
    ["0.0.0.0", "::", "169.254.169.254", "::ffff:169.254.169.254", "fe80::1%eth0", "fec0::1", "fd00:ec2::254",
     "224.0.0.1", "ff02::1", "255.255.255.255", "100.100.100.200", "::127.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1",
     "2001:0:7f00:1::", "64:ff9b:1::7f00:1", "2002:c0a8:101::", "0.1.2.3", "192.0.2.1", "2001:db8::1", "192.0.0.8",
     "3fff::1", "192.0.0.192", "168.63.129.16", "::ffff:168.63.129.16", "no address"],
)  # fmt: skip
def test_what_nobody_may_be_sent_to(place: str) -> None:
    assert not is_public(place) and not is_in_a_network_of_people(place)


@pytest.mark.anyio
async def test_a_computer_that_calls_itself_by_both_protocols_is_reached_where_that_is_allowed(
    monkeypatch: pytest.MonkeyPatch, anyio_backend: str
) -> None:
    async def both(host: str, port: int) -> list[str]:
        return ["::1", "127.0.0.1"]

    monkeypatch.setattr(pinned_transport, "places_of", both)
    inner = httpx2.MockTransport(lambda request: httpx2.Response(204))
    async with httpx2.AsyncClient(transport=PublicTransport(lambda: True, inner, most_bytes=None)) as http:
        assert (await http.get("http://localhost:9/")).status_code == 204
    async with httpx2.AsyncClient(transport=PublicTransport(lambda: False, inner)) as http:
        with pytest.raises(AddressRefused, match="this computer"):
            await http.get("http://localhost:9/")


@pytest.mark.anyio
async def test_the_next_place_is_called_where_nothing_answers_at_one(
    monkeypatch: pytest.MonkeyPatch, anyio_backend: str
) -> None:
    async def four(host: str, port: int) -> list[str]:
        return ["::1", "::1", "127.0.0.1", "127.0.0.2", "127.0.0.3"]

    called: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        called.append(request.url.host)
        if request.url.host != open_at:
            raise httpx2.ConnectError("refused", request=request)
        return httpx2.Response(200, content=request.content)

    monkeypatch.setattr(pinned_transport, "places_of", four)
    transport = PublicTransport(lambda: True, httpx2.MockTransport(answer), most_bytes=None)
    async with httpx2.AsyncClient(transport=transport) as http:
        open_at = "127.0.0.1"
        assert (await http.post("http://localhost:9/", content=b"once")).content == b"once"
        assert called == ["::1", "127.0.0.1"]
        open_at, called[:] = "127.0.0.3", []
        with pytest.raises(httpx2.ConnectError):
            await http.get("http://localhost:9/")
        assert called == ["::1", "127.0.0.1", "127.0.0.2"]
