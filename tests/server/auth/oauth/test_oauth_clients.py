"""Registration, consent and metadata: what a program may say of itself, and what a person is asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import httpx2
import pytest
from mcp.shared.auth import OAuthMetadata, ProtectedResourceMetadata

from server.access.actor import OWNER, Actor
from server.auth.oauth import clients
from server.auth.oauth.clients import KnownClient
from server.auth.oauth.redirects import is_redirect_of, redirect_problem
from server.records.service import Records
from tests.conftest import Bear, running_bear
from tests.server.auth.oauth.tests_oauth_support import ORIGIN, App, query_of

pytestmark = pytest.mark.anyio

GOOD_REDIRECTS = (
    "https://claude.ai/api/mcp/auth_callback",
    "https://app.example/cb?x=1",
    "http://127.0.0.1/callback",
    "http://localhost:33418/",
    "http://[::1]:9/cb",
    "cursor://anysphere.cursor-mcp/oauth/callback",
    "vscode://vscode.github-authentication/did-authenticate",
    "com.example.app:/oauth",
)
BAD_REDIRECTS = (
    "javascript:alert(1)", "JavaScript://x/%0aalert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd",
    "blob:https://x/1", "about:blank", "http://evil.example/cb", "http://127.0.0.1.evil.example/cb",
    "http://10.0.0.1/cb", "ftp://x/y", "https://app.example/cb#x", "https://u:p@app.example/", "https:///cb", "https://",
    "/cb", "cb", "", "https://app.example/c b", "https://app.example/\\evil", "https://app.example/\ncb",
    "https://a.example:99999/", "ms-settings:x", "intent://x#Intent;end", "view-source:https://x/", "ws://127.0.0.1/",
    "https://app.example/" + "x" * 2000,
)  # fmt: skip


async def test_redirects_go_to_https_to_this_computer_or_to_an_app(app: App) -> None:
    for uri in GOOD_REDIRECTS:
        assert redirect_problem(uri) is None, uri
    for uri in BAD_REDIRECTS:
        assert redirect_problem(uri) is not None, uri
    for uri in BAD_REDIRECTS[:3]:
        answer = await app.register(redirect_uris=["https://app.example/", uri])
        assert answer.status_code == 400 and answer.json()["error"] == "invalid_redirect_uri", answer.text


def test_a_redirect_matches_letter_for_letter_but_for_the_port_on_loopback() -> None:
    known = ["https://app.example/cb", "http://127.0.0.1/callback", "http://localhost:1/cb", "cursor://a/b"]
    for uri in (*known, "http://127.0.0.1:9/callback", "http://localhost:65535/cb"):
        assert is_redirect_of(known, uri), uri
    for uri in (
        "https://app.example/cb/", "https://app.example:8443/cb", "https://APP.example/cb", "https://app.example/cb?x",
        "https://app.example/x/../cb", "http://127.0.0.1:9/callback/x", "http://localhost:9/callback",
        "http://[::1]:9/callback", "http://127.0.0.1:9@evil.example/callback", "cursor://a/b/c", "https://evil.example/",
        "http://127.0.0.1:9/callback?x=1", "http://127.0.0.1:9/callback#x", "http://127.0.0.1:x/callback",
    ):  # fmt: skip
        assert not is_redirect_of(known, uri), uri


async def test_s1_who_registers_gets_no_secret_no_access_and_no_choice_of_who_it_is(
    app: App, admin: httpx2.AsyncClient
) -> None:
    answer = await app.register(
        token_endpoint_auth_method="client_secret_post", scope="api mcp", client_id="mine", agent_name="ada",
        client_secret="mine",
    )  # fmt: skip
    assert answer.status_code == 201 and answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert told["token_endpoint_auth_method"] == "none" and told["client_id"] != "mine"
    assert not told.get("client_secret") and "registration_client_uri" not in told
    for grant in ("client_credentials", "password", "authorization_code"):
        form = {"grant_type": grant, "client_id": told["client_id"], "username": "ada", "code": "x"}
        assert (await app.http.post("/oauth/token", data=form)).status_code == 400
    row = (await admin.get("/api/v1/oauth_clients?sort=-id")).json()["data"][0]
    assert row["confirmed_at"] is None and row["kind"] == "registered"


async def test_s1_a_flood_of_registrations_is_slowed_by_address_and_leaves_nothing(
    bear: Bear, admin: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = App(await bear.client())
    codes = [(await app.register()).status_code for _ in range(clients.REGISTRATIONS_AT_ONCE + 3)]
    assert codes == [201] * clients.REGISTRATIONS_AT_ONCE + [429] * 3
    assert int((await app.register()).headers["retry-after"]) > 1
    assert bear.app.oauth_clients.stored(app.client_id) is not None
    monkeypatch.setattr(clients, "UNCONFIRMED_HOURS", -1.0)
    await bear.app.oauth_clients.expire()
    assert (await admin.get("/api/v1/oauth_clients")).json()["count"] == 0


async def test_a_client_that_somebody_let_in_stays(
    bear: Bear, app: App, max_in: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await app.tokens(max_in)
    monkeypatch.setattr(clients, "UNCONFIRMED_HOURS", -1.0)
    await bear.app.oauth_clients.expire(at_most=0)
    assert bear.app.oauth_clients.stored(app.client_id) is not None


async def test_a_client_that_is_let_in_while_the_unconfirmed_are_forgotten_stays(
    bear: Bear, app: App, max_in: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    find, tokens = Records.find, []

    async def and_meanwhile(self: Records, actor: Actor, model: str, **more: Any) -> list[dict[str, Any]]:
        found = await find(self, actor, model, **more)
        if model == "oauth_clients":
            monkeypatch.setattr(Records, "find", find)
            tokens.append(await app.tokens(max_in))
        return found

    monkeypatch.setattr(clients, "UNCONFIRMED_HOURS", -1.0)
    monkeypatch.setattr(Records, "find", and_meanwhile)
    await bear.app.oauth_clients.expire()
    assert bear.app.oauth_clients.stored(app.client_id) is not None
    assert (await app.refresh(tokens[0]["refresh_token"])).status_code == 200


async def test_a_client_that_is_forgotten_while_it_is_let_in_gets_nothing_and_its_person_is_told_why(
    bear: Bear, app: App, max_in: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirm, work = clients.Clients.confirm, Records.work
    monkeypatch.setattr(clients, "UNCONFIRMED_HOURS", -1.0)

    async def behind_the_end(self: Records, actor: Actor, run: Any, models: tuple[str, ...], **more: Any) -> Any:
        monkeypatch.setattr(Records, "work", work)
        await bear.app.oauth_clients.expire()
        return await work(self, actor, run, models, **more)

    async def as_it_is_written(*given: Any) -> int:
        monkeypatch.setattr(Records, "work", behind_the_end)
        return await confirm(*given)

    monkeypatch.setattr(clients.Clients, "confirm", as_it_is_written)
    answer = await max_in.post("/oauth/consent/decide", data={**app.request(), "decision": "allow"})
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_client"), answer.text
    assert "Connect it again" in answer.json()["error"]
    assert not bear.app.people.grants._codes


async def test_two_who_let_the_same_app_in_at_once_both_do(
    bear: Bear, admin: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    create, known, rows = Records.create, bear.app.oauth_clients, []
    program = KnownClient("https://app.example/client.json", "Doc", "document", ["https://app.example/cb"])

    async def and_another_first(*given: Any) -> dict[str, Any]:
        monkeypatch.undo()
        rows.append(await known.confirm(program, OWNER, ["mcp"]))
        return await create(*given)

    monkeypatch.setattr(Records, "create", and_another_first)
    rows.append(await known.confirm(program, OWNER, ["mcp"]))
    assert rows[0] == rows[1]


async def test_s13_asking_leads_to_our_own_page_and_never_anywhere_else(app: App, nobody: httpx2.AsyncClient) -> None:
    for change in (
        {}, {"response_type": "token"}, {"redirect_uri": "https://evil.example/"}, {"client_id": "nobody"},
        {"scope": "root"}, {"resource": "https://evil.example/"}, {"redirect_uri": "javascript:alert(1)"},
        {"client_id": None}, {"decision": "deny"}, {"state": "\r\nlocation: https://evil.example"},
    ):  # fmt: skip
        answer = await nobody.get("/oauth/authorize", params=app.request(**change))
        assert answer.status_code == 302
        assert answer.headers["location"].startswith("/oauth/consent?"), change
        assert (await nobody.post("/oauth/authorize", data=app.request(**change))).status_code == 405
    twice = await nobody.get(f"/oauth/authorize?client_id={app.client_id}&client_id=x")
    assert twice.status_code == 400


async def test_s13_a_wrong_request_is_told_to_the_person_and_only_a_known_redirect_is_offered(
    app: App, max_in: httpx2.AsyncClient
) -> None:
    change: Mapping[str, str | None]
    for change, code in (
        ({"client_id": "nobody"}, "invalid_request"),
        ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
        ({"redirect_uri": "javascript:alert(1)"}, "invalid_request"),
        ({"client_id": "nobody", "response_type": "token"}, "unsupported_response_type"),
        ({"redirect_uri": "https://evil.example/", "response_type": "token"}, "unsupported_response_type"),
    ):
        for path in ("look", "decide"):
            form = {**app.request(**change), "decision": "deny"}
            answer = await max_in.post(f"/oauth/consent/{path}", data=form)
            assert answer.status_code == 400 and answer.json()["code"] == code, (change, answer.text)
            assert "redirect" not in answer.json() and "data" not in answer.json()
    for change, code in (
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "root"}, "invalid_scope"),
        ({"resource": "https://evil.example/mcp"}, "invalid_target"),
        ({"resource": f"{ORIGIN}/api/v1"}, "invalid_target"),
        ({"resource": f"{ORIGIN}/mcp/a/b"}, "invalid_target"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
    ):
        answer = await max_in.post("/oauth/consent/look", data=app.request(**change))
        data = answer.json()["data"]
        assert data["problem"]["error"] == code and data["goes_to"] == "127.0.0.1:7777", (change, data)
        told = query_of(data["back"])
        assert data["back"].startswith(f"{app.redirect}?") and told["error"] == code and told["iss"] == ORIGIN


async def test_the_person_is_told_who_asks_for_what_and_where_it_goes(app: App, max_in: httpx2.AsyncClient) -> None:
    answer = await max_in.post("/oauth/consent/look", data=app.request(scope="mcp api", resource=f"{ORIGIN}/mcp/time"))
    assert answer.json()["data"] == {
        "client": {"id": app.client_id, "name": "Test app", "kind": "registered", "verified": False},
        "scopes": ["mcp", "api"], "server": "time", "goes_to": "127.0.0.1:7777", "username": "max",
    }  # fmt: skip


async def test_a_person_may_allow_less_than_what_is_asked_and_never_more(app: App, max_in: httpx2.AsyncClient) -> None:
    form = {**app.request(scope="mcp api"), "decision": "allow"}
    answer = await max_in.post("/oauth/consent/decide", data={**form, "allowed_scopes": "mcp"})
    issued = (await app.exchange(query_of(answer.json()["data"]["redirect"])["code"])).json()
    assert issued["scope"] == "mcp"
    form = {**app.request(scope="mcp"), "decision": "allow"}
    answer = await max_in.post("/oauth/consent/decide", data={**form, "allowed_scopes": "mcp api"})
    assert answer.status_code == 422


async def test_consent_wants_a_session_of_this_site_and_a_second_factor_where_the_role_needs_one(
    bear: Bear, app: App, member: httpx2.AsyncClient, max_in: httpx2.AsyncClient, nobody: httpx2.AsyncClient
) -> None:
    form = {**app.request(), "decision": "allow"}
    for path in ("/oauth/consent/look", "/oauth/consent/decide"):
        assert (await nobody.post(path, data=form)).status_code == 401
        assert (await member.post(path, data=form)).json()["code"] == "session_needed", "a token can't consent"
        foreign = await max_in.post(path, data=form, headers={"origin": "https://evil.example"})
        assert foreign.status_code == 403 and foreign.json()["code"] == "cross_site"
        assert (await max_in.get(path, params=form)).status_code == 405
    await admin_setting(bear, second_factor_roles="member")
    for path in ("/oauth/consent/look", "/oauth/consent/decide"):
        assert (await max_in.post(path, data=form)).json()["code"] == "second_factor_needed"


async def test_errors_of_the_protocol_have_its_form(app: App) -> None:
    for path in ("/oauth/token", "/oauth/revoke"):
        for answer in (
            await app.http.post(path, json={}),
            await app.http.post(path),
            await app.http.post(path, content="a=1&a=2", headers={"content-type": "application/x-www-form-urlencoded"}),
        ):
            assert answer.status_code == 400 and answer.json()["error"] == "invalid_request", answer.text
    large = await app.http.post("/oauth/register", content=b"x" * 70_000)
    assert large.status_code == 413


async def test_letting_an_app_in_and_ending_it_are_in_the_audit_log(
    app: App, max_in: httpx2.AsyncClient, admin: httpx2.AsyncClient
) -> None:
    await app.tokens(max_in, scope="mcp api:read")
    row = (await max_in.get("/api/v1/oauth_tokens")).json()["data"][0]
    await max_in.delete(f"/api/v1/oauth_tokens/{row['id']}")
    entries = (await admin.get("/api/v1/audit_entries?actor_name=max&sort=id")).json()["data"]
    allowed = next(entry for entry in entries if entry["kind"] == "app_allowed")
    assert allowed["about"] == "Test app" and allowed["detail"] == f"mcp api:read, {app.client_id}"
    assert entries[-1]["kind"] == "delete" and entries[-1]["model"] == "oauth_tokens"


async def admin_setting(bear: Bear, **values: str) -> None:
    current = bear.app.settings.current
    bear.app.settings.publish(current.model_copy(update=values))


async def test_metadata_leads_from_the_401_to_the_endpoints(bear: Bear, nobody: httpx2.AsyncClient) -> None:
    for path in ("/mcp", "/mcp/time"):
        challenge = (await nobody.post(path)).headers["www-authenticate"]
        address = challenge.partition('resource_metadata="')[2].partition('"')[0]
        assert address == f"{ORIGIN}/.well-known/oauth-protected-resource{path}"
        resource = ProtectedResourceMetadata.model_validate((await nobody.get(address)).json())
        assert str(resource.resource) == f"{ORIGIN}{path}"
        assert [str(server) for server in resource.authorization_servers] == [ORIGIN]
    for address in ("oauth-authorization-server", "openid-configuration"):
        told = OAuthMetadata.model_validate((await nobody.get(f"/.well-known/{address}")).json())
        assert str(told.issuer) == ORIGIN and told.code_challenge_methods_supported == ["S256"]
        assert told.authorization_response_iss_parameter_supported and told.client_id_metadata_document_supported
    assert (await nobody.get("/.well-known/oauth-protected-resource/mcp/%22x")).status_code == 404
    assert (await nobody.get("/api/v1/notes")).headers["www-authenticate"] == "Bearer"


async def test_under_a_base_path_metadata_is_at_the_root_of_the_host_and_below_the_base_path(bear: Bear) -> None:
    folder = bear.app.settings.current.data_dir.parent / "other"
    async with running_bear(folder, base_path="/bear") as other:
        await other.person("ada", "admin")
        transport = httpx2.ASGITransport(other.app, client=("127.0.0.1", 1))
        async with httpx2.AsyncClient(transport=transport, base_url=ORIGIN) as outside:
            for address in (
                "/.well-known/oauth-authorization-server/bear",
                "/bear/.well-known/oauth-authorization-server",
                "/bear/.well-known/openid-configuration",
            ):
                told = (await outside.get(address)).json()
                assert told["issuer"] == f"{ORIGIN}/bear" and told["token_endpoint"] == f"{ORIGIN}/bear/oauth/token"
            for address in (
                "/.well-known/oauth-protected-resource/bear/mcp/time",
                "/bear/.well-known/oauth-protected-resource/mcp/time",
            ):
                assert (await outside.get(address)).json()["resource"] == f"{ORIGIN}/bear/mcp/time"
            assert (await outside.get("/.well-known/oauth-protected-resource/bearish/mcp")).status_code == 404
            assert (await outside.get("/.well-known/oauth-authorization-server")).status_code == 404


async def test_over_plain_http_on_a_network_personal_tokens_are_pointed_to(
    bear: Bear, admin: httpx2.AsyncClient
) -> None:
    await admin_setting(bear, allowed_hosts="bear.lan:8088")
    lan = {"host": "bear.lan:8088"}
    far = await bear.client("192.168.1.9", **lan)
    forwarded = await bear.client(**{"x-forwarded-for": "192.168.1.9"})
    for client in (far, forwarded):
        for address in ("/.well-known/oauth-authorization-server", "/oauth/authorize", "/oauth/token"):
            method = "POST" if address.endswith("token") else "GET"
            answer = await client.request(method, address)
            assert answer.status_code == 403 and answer.json()["code"] == "oauth_needs_https"
            assert "gb_" in answer.json()["error"]
        refused = await client.post("/mcp")
        assert refused.status_code == 401 and refused.headers["www-authenticate"] == "Bearer"
        assert "gb_" in refused.json()["error"] and "https" in refused.json()["error"]


async def test_over_https_by_a_listed_proxy_the_issuer_is_what_the_client_sees(bear: Bear) -> None:
    await admin_setting(bear, allowed_hosts="https://bear.example", trusted_proxies="10.0.0.1")
    proxied = await bear.client(
        "10.0.0.1", **{"host": "bear.example", "x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.5"}
    )
    told = (await proxied.get("/.well-known/oauth-authorization-server")).json()
    assert told["issuer"] == "https://bear.example"


@pytest.mark.parametrize("name", ["%00", "%0d%0aX:%201", "%7f", "%22,%20x=%22", "%F0%9F%90%BB", "%ED%A0%80", "%ff"])
async def test_no_address_under_mcp_gets_into_the_challenge_as_it_is(bear: Bear, name: str) -> None:
    answer = await (await bear.client()).get(f"/mcp/{name}")
    assert answer.status_code == 401
    told = answer.headers["www-authenticate"]
    assert re.fullmatch(r'Bearer resource_metadata="http://[\w.:/%-]+/mcp/[\w%.-]+", scope="mcp"', told), told
