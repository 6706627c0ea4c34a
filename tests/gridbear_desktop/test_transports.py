"""http and https, on loopback, from the network, behind a proxy, under a path: what signs in, and what is refused."""

from __future__ import annotations

import contextlib
import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from gridbear_process import Gridbear, wait_for

from server.certificates import client_context
from server.this_computer import lan_addresses

pytestmark = pytest.mark.slow

PASSWORD = "correct horse battery"
FORM = {"username": "ada", "password": PASSWORD}
JSON = {"accept": "application/json"}
PROXIED = {"x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.9"}


@dataclass
class Way:
    """One way to the server: its clients come from `address`, and `secure` is what they see."""

    url: str
    origin: str
    secure: bool
    local: bool
    headers: dict[str, str]
    trust: ssl.SSLContext | bool
    token: str

    @contextlib.contextmanager
    def client(self, **headers: str) -> Iterator[httpx2.Client]:
        with httpx2.Client(
            base_url=self.url, verify=self.trust, headers={**self.headers, **headers}, trust_env=False
        ) as client:
            yield client


SERVERS = {
    "plain": {},
    "encrypted": {"GRIDBEAR_TLS": "self-made"},
    "under a path": {"GRIDBEAR_BASE_PATH": "/bear"},
    "encrypted under a path": {"GRIDBEAR_BASE_PATH": "/bear", "GRIDBEAR_TLS": "self-made"},
}


@pytest.fixture(scope="module", params=SERVERS)
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A server for the network, which believes a proxy on loopback; its run file."""
    gridbear = Gridbear(tmp_path_factory.mktemp("shared") / "data")
    gridbear.env |= SERVERS[request.param] | {"GRIDBEAR_KEY_STORE": "file"}
    gridbear.env |= {"GRIDBEAR_ALLOWED_HOSTS": "https://bear.example", "GRIDBEAR_TRUSTED_PROXIES": "127.0.0.1"}
    gridbear.create_user("ada", PASSWORD)
    gridbear.serve("--host", "0.0.0.0", "--port", "0", stdout=-3, stderr=-3)
    yield wait_for(lambda: started(gridbear), "a shared server")
    gridbear.end()


def started(gridbear: Gridbear) -> dict[str, Any] | None:
    from gridbear_desktop import control, runfile

    info = runfile.read(gridbear.data_dir / "run")
    if info is None or not control.answers(info):
        return None
    return {"url": info.url, "certificate": info.certificate, "token": info.control_token, "port": info.port}


@pytest.fixture(params=["loopback", "network", "proxy"])
def way(request: pytest.FixtureRequest, shared: dict[str, Any]) -> Way:
    own = shared["url"]
    scheme, _, rest = own.partition("://")
    path = rest.partition("/")[2]
    trust = client_context(shared["certificate"]) if shared["certificate"] else True
    if request.param == "proxy":
        headers = {**PROXIED, "host": "bear.example"}
        return Way(own, "https://bear.example", True, False, headers, trust, shared["token"])
    host = "127.0.0.1"
    if request.param == "network":
        addresses = lan_addresses("0.0.0.0")
        if not addresses:
            pytest.skip("needs an address that other computers could use, and this one has only loopback")
        host = addresses[0]
    origin = f"{scheme}://{host}:{shared['port']}"
    url = f"{origin}/{path}".rstrip("/")
    return Way(url, origin, scheme == "https", request.param == "loopback", {}, trust, shared["token"])


def test_signing_in_works_and_the_cookie_follows_the_transport(way: Way) -> None:
    for headers, status in ((JSON, 200), ({"accept": "text/html"}, 303)):
        with way.client(**headers) as client:
            answer = client.post("/auth/login", data=FORM)
            assert answer.status_code == status, answer.text
            cookie = answer.headers["set-cookie"]
            assert ("Secure" in cookie) is way.secure
            assert "HttpOnly" in cookie and re.search("SameSite=lax", cookie, re.IGNORECASE)
            token = cookie.partition(";")[0]
            # As a browser sends it back; the client of this test does not know the name behind the proxy.
            me = client.get("/auth/me", headers={"cookie": token})
            assert me.json()["data"]["username"] == "ada"


def test_only_the_own_origin_acts_for_who_is_signed_in(way: Way) -> None:
    with way.client(**JSON) as client:
        token = client.post("/auth/login", data=FORM).headers["set-cookie"].partition(";")[0]
        client.cookies.clear()
        other = (
            {"https": "http", "http": "https"}[way.origin.partition(":")[0]] + "://" + way.origin.partition("://")[2]
        )
        for origin, status in ((way.origin, 201), (other, 403), ("https://evil.example", 403), ("null", 403)):
            headers = {"cookie": token, "origin": origin}
            answer = client.post("/api/v1/notes", json={"title": "x"}, headers=headers)
            assert answer.status_code == status, (origin, answer.text)
        foreign = {"cookie": token, "sec-fetch-site": "same-site"}
        assert client.post("/api/v1/notes", json={"title": "x"}, headers=foreign).status_code == 403
        assert client.post("/api/v1/notes", json={"title": "x"}, headers={"cookie": token}).status_code == 201


def test_a_ticket_of_the_window_works_on_this_computer_alone(way: Way) -> None:
    with way.client(authorization=f"Bearer {way.token}") as client:
        made = client.post("/_desktop/ticket")
        if not way.local:
            assert made.status_code == 401
            assert client.get("/_desktop/login?ticket=any").status_code == 403
            return
        used = client.get(made.json()["data"]["path"])
        assert used.status_code == 303
        assert ("Secure" in used.headers["set-cookie"]) is way.secure


def test_nobody_is_set_up_from_elsewhere(way: Way) -> None:
    with way.client(**JSON) as client:
        form = {"token": "x", "username": "eve", "password": PASSWORD, "password_confirm": PASSWORD}
        answer = client.post("/auth/setup", data=form)
        assert answer.status_code == (409 if way.local else 403)
        if not way.local:
            assert answer.json()["code"] == "loopback_only"


def test_apps_sign_in_by_oauth_here_and_by_https_alone(way: Way) -> None:
    with way.client() as client:
        answer = client.post("/oauth/register", json={"redirect_uris": ["http://127.0.0.1/back"], "client_name": "App"})
        if way.secure or way.local:
            assert answer.status_code == 201, answer.text
        else:
            assert (answer.status_code, answer.json()["code"]) == (403, "oauth_needs_https")


def test_other_names_are_not_answered(way: Way) -> None:
    with way.client(host="evil.example") as client:
        assert client.get("/healthz").status_code == 403


def test_the_first_admin_is_made_over_https_too(gridbear: Gridbear) -> None:
    gridbear.env |= {"GRIDBEAR_TLS": "self-made", "GRIDBEAR_KEY_STORE": "file"}
    gridbear.serve("--port", "0", stdout=-3, stderr=-3)
    info = wait_for(lambda: started(gridbear), "a server")
    link = gridbear.cli("setup-link").stdout.strip()
    assert link.startswith(f"{info['url']}/auth/setup?token=") and link.startswith("https://")
    with httpx2.Client(verify=client_context(info["certificate"]), trust_env=False, headers=JSON) as client:
        form = {"token": link.partition("token=")[2], "username": "ada", "password": PASSWORD}
        answer = client.post(f"{info['url']}/auth/setup", data={**form, "password_confirm": PASSWORD})
        assert answer.status_code == 201 and "Secure" in answer.headers["set-cookie"]


def test_without_an_admin_a_server_for_the_network_does_not_start(gridbear: Gridbear) -> None:
    gridbear.env |= {"GRIDBEAR_TLS": "self-made"}
    process = gridbear.serve("--host", "0.0.0.0", "--port", "0")
    _, err = process.communicate(timeout=30)
    assert process.returncode == 2 and "gridbear user create" in err


def test_the_switch_shares_the_running_server_and_takes_it_back(gridbear: Gridbear) -> None:
    gridbear.env |= {"GRIDBEAR_KEY_STORE": "file"}
    gridbear.create_user("ada", PASSWORD)
    process = gridbear.serve("--port", "0", stdout=-3, stderr=-3)
    before = wait_for(lambda: started(gridbear), "a server")
    assert gridbear.cli("lan", "on").returncode == 0

    def answers_as(scheme: str) -> dict[str, Any] | None:
        info = started(gridbear)
        return info if info and info["url"].startswith(f"{scheme}://") else None

    shared = wait_for(lambda: answers_as("https"), "https")
    assert (shared["port"], process.poll()) == (before["port"], None)
    status = gridbear.cli("lan", "status").stdout
    assert f":{shared['port']}" in status and "SHA-256" in status
    # Who speaks plain http to it is cut off, and the others are not.
    with pytest.raises(httpx2.HTTPError):
        httpx2.get(f"http://127.0.0.1:{shared['port']}/healthz", trust_env=False)
    assert started(gridbear)
    assert gridbear.cli("lan", "off").returncode == 0
    assert wait_for(lambda: answers_as("http"), "http")["port"] == before["port"]
    assert not (gridbear.data_dir / "run" / "certificate.pem").exists()


def test_own_files_that_do_not_work_keep_the_server_from_starting(gridbear: Gridbear, tmp_path: Path) -> None:
    gridbear.env |= {"GRIDBEAR_TLS": "files"}
    assert "GRIDBEAR_TLS_CERTIFICATE" in gridbear.refused("--port", "0")
    gridbear.env |= {"GRIDBEAR_TLS_CERTIFICATE": str(tmp_path / "no.pem"), "GRIDBEAR_TLS_KEY": str(tmp_path / "no.pem")}
    assert "can't be read" in gridbear.refused("--port", "0")
