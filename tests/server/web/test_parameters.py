"""Query parameters that a door does not know: refused, as mistyped filters; let be where others add their own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import running_bear
from tests.server.web.doors import INTERNAL_SECRET, Crowd
from tests.server.web.test_policy import HOOK, POLICY, SENT, V1

pytestmark = pytest.mark.anyio

_STRICT = (f"{V1}/", "/metrics")


async def test_no_door_of_the_api_ignores_a_parameter_that_it_does_not_know(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data", internal_api_secret=INTERNAL_SECRET, rest_rate_burst=5_000) as bear:
        crowd = Crowd(bear)
        await crowd.gather()
        doors = [door for door in POLICY if door.split(" ", 1)[1].startswith(_STRICT)]
        wrong = []
        for door in doors:
            verb, address = door.split(" ", 1)
            body, query = SENT.get(door, (b"{}", ""))
            answer = await crowd.knock("admin session", verb, address, body, f"{query}&mistyped=1".lstrip("&"))
            # A HEAD tells its reason to nobody.
            if answer.status != 422 or (verb != "HEAD" and answer.fields != ("mistyped",)):
                wrong.append(f"{door}: {answer}")
        assert not wrong, "\n".join(wrong)
        assert len(doors) > 130


async def test_who_may_not_enter_is_told_that_and_not_which_parameters_there_are(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data", internal_api_secret=INTERNAL_SECRET) as bear:
        crowd = Crowd(bear)
        await crowd.gather()
        for address in (f"{V1}/events", f"{V1}/server/log/lines", f"{V1}/gateway", "/metrics"):
            assert (await crowd.knock("nobody", "GET", address, b"", "mistyped=1")).status == 401


async def test_addresses_that_others_add_parameters_to_let_them_be(tmp_path: Path) -> None:
    """Browsers are sent there by other sites, a page's address may carry what its reader added."""
    async with running_bear(tmp_path / "data", internal_api_secret=INTERNAL_SECRET) as bear:
        crowd = Crowd(bear)
        await crowd.gather()
        for address in ("/", "/healthz", "/api/docs", "/api/openapi.json", "/auth/login", "/auth/me", "/oauth/consent",
                        "/.well-known/oauth-authorization-server", f"{HOOK}/"):  # fmt: skip
            answer = await crowd.knock("admin session", "GET", address, b"", "utm_source=mail&v=17")
            assert answer.status < 400, (address, answer)
        session = await bear.signed_in("ada")
        page = await session.get("/oauth/callback?state=x&code=y&iss=https%3A%2F%2Fa.example&session_state=7&scope=a")
        assert page.status_code == 400
        assert "session_state" not in page.text


async def test_every_parameter_that_the_document_of_the_api_names_is_known_at_its_door(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data", rest_rate_burst=5_000) as bear:
        admin = await bear.person("ada", "admin")
        paths = (await admin.get("/api/openapi.json")).json()["paths"]
        named, refused = 0, []
        for path, verbs in paths.items():
            for one in verbs.get("get", {}).get("parameters", ()) if path.startswith(f"{V1}/") else ():
                if one["in"] != "query" or one["name"] == "filters" or path.endswith("/events"):
                    continue
                named += 1
                answer = await admin.get(re.sub(r"\{\w+\}", "1", path), params={one["name"]: "1"})
                if answer.status_code == 422 and "unknown_parameter" in answer.text:
                    refused.append(f"{path}: {one['name']}: {answer.text}")
        assert not refused, "\n".join(refused)
        assert named > 100
