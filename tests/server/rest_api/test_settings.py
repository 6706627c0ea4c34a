"""The settings with their help, limits and origin: who sees them, what is told, and what waits for a restart."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.certificates import self_made_certificate
from server.config import Settings, setting_fields
from server.rest_api.licence_routes import ROOTS
from server.setting_groups import GROUPS
from tests.conftest import Bear, running_bear

pytestmark = pytest.mark.anyio

SETTINGS = "/api/v1/server/settings"
CATALOGUE = Path(__file__).resolve().parents[3] / "assets" / "ui" / "i18n" / "en.more.json"


async def by_name(client: httpx2.AsyncClient) -> dict[str, Any]:
    return {one["name"]: one for one in (await client.get(SETTINGS)).json()["data"]}


def test_every_setting_is_in_one_group_and_has_a_name_for_people() -> None:
    grouped = [name for names in GROUPS.values() for name in names]
    told = "give a new setting a group in server/setting_groups.py, and setting.NAME in assets/ui/i18n/en.more.json"
    assert sorted(grouped) == sorted(field.name for field in setting_fields()), told
    words = json.loads(CATALOGUE.read_text("utf-8"))
    assert [name for name in grouped if f"setting.{name}" not in words] == []
    assert [group for group in GROUPS if f"settings.group_{group}" not in words] == []


async def test_only_admins_see_them_and_start_the_server_again(
    bear: Bear, nobody: httpx2.AsyncClient, guest_role: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    starts: list[str] = []
    bear.app.when_restart_is_asked = lambda: starts.append("again")
    for client, status in ((nobody, 401), (guest_role, 403), (member, 403)):
        for answer in (await client.get(SETTINGS), await client.post("/api/v1/server/restart")):
            assert answer.status_code == status
            assert "rest_rate_burst" not in answer.text
    assert starts == []


async def test_an_admin_starts_it_again_and_the_audit_log_has_it(bear: Bear, admin: httpx2.AsyncClient) -> None:
    starts: list[str] = []
    bear.app.when_restart_is_asked = lambda: starts.append("again")
    assert (await admin.post("/api/v1/server/restart")).status_code == 202
    assert starts == ["again"]
    entries = (await admin.get("/api/v1/audit_entries?kind=restart")).json()["data"]
    assert [entry["actor_name"] for entry in entries] == ["ada"]


async def test_a_setting_tells_its_form_its_default_and_where_it_comes_from(admin: httpx2.AsyncClient) -> None:
    found = await by_name(admin)
    assert found["backup_keep"] == {
        "name": "backup_keep", "group": "backups", "help": "Backups that are kept; the oldest go first.", "unit": "",
        "applies": "live", "kind": "integer", "choices": [], "minimum": 1, "maximum": 10_000, "above": None,
        "secret": False, "default": 14, "value": 14, "wanted": 14, "waits": False, "source": "default",
        "environment": "GRIDBEAR_BACKUP_KEEP", "record_id": None, "changeable": True,
    }  # fmt: skip
    assert found["tool_calls_log"]["choices"] == ["everything", "calls", "off"]
    assert (found["session_max_days"]["kind"], found["session_max_days"]["above"]) == ("number", 0)
    assert (found["mcp_tool_approval"]["kind"], found["mcp_tool_approval"]["value"]) == ("boolean", True)
    assert (found["rest_rate_burst"]["source"], found["rest_rate_burst"]["changeable"]) == ("command line", False)
    assert found["data_dir"]["changeable"] is found["log_level"]["changeable"] is False


async def test_no_secret_is_told(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data", internal_api_secret="only the bear knows") as bear:
        answer = await (await bear.person("ada", "admin")).get(SETTINGS)
        assert "only the bear knows" not in answer.text
        secret = next(one for one in answer.json()["data"] if one["name"] == "internal_api_secret")
        assert (secret["secret"], secret["value"], secret["changeable"]) == (True, None, False)


async def test_a_change_applies_at_once_or_waits_and_a_reset_brings_the_default_back(admin: httpx2.AsyncClient) -> None:
    for name, value in (("backup_keep", 5), ("write_queue", 64)):
        answer = await admin.post("/api/v1/settings?upsert=name", json={"name": name, "value": value})
        assert answer.status_code == 201
    found = await by_name(admin)
    kept, queue = found["backup_keep"], found["write_queue"]
    assert (kept["value"], kept["wanted"], kept["waits"], kept["source"]) == (5, 5, False, "settings")
    assert (queue["value"], queue["wanted"], queue["waits"], queue["default"]) == (2048, 64, True, 2048)
    for one in (kept, queue):
        assert (await admin.delete(f"/api/v1/settings/{one['record_id']}")).status_code == 200
    found = await by_name(admin)
    assert (found["backup_keep"]["value"], found["backup_keep"]["source"]) == (14, "default")
    assert found["write_queue"]["waits"] is False


async def test_a_bad_value_is_refused_at_its_field_and_changes_nothing(admin: httpx2.AsyncClient) -> None:
    for value in (0, 20_000, "many"):
        answer = await admin.post("/api/v1/settings?upsert=name", json={"name": "backup_keep", "value": value})
        assert (answer.status_code, list(answer.json()["fields"])) == (422, ["value"])
    assert (await by_name(admin))["backup_keep"]["value"] == 14


def test_settings_remember_what_gave_them_their_values() -> None:
    env = {"GRIDBEAR_TLS": "self-made", "GRIDBEAR_PORT": "9000"}
    settings = Settings.load({"port": 9001}, env, {"host": "0.0.0.0", "tls": "off"})
    settings = settings.model_copy(update={"port": 9002})
    assert [settings.started_from(name) for name in ("port", "tls", "host", "backup_keep")] == [
        "command line", "environment", "settings", None,
    ]  # fmt: skip


async def test_the_certificate_is_for_everybody_signed_in_and_its_key_for_nobody(
    tmp_path: Path, nobody: httpx2.AsyncClient, guest_role: httpx2.AsyncClient
) -> None:
    certificate = "/api/v1/server/certificate"
    assert (await nobody.get(certificate)).status_code == 401
    assert (await guest_role.get(certificate)).json()["data"]["encryption"] == "off"
    assert (await guest_role.get(f"{certificate}/content")).status_code == 404
    made = self_made_certificate(tmp_path, "127.0.0.1")
    async with running_bear(tmp_path / "other", tls="self-made") as bear:
        bear.app.lan.certificate_file.write_text(made.pem, "ascii")
        await bear.person("ada", "admin")
        client = await bear.person("gus", "guest")
        state = (await client.get(certificate)).json()["data"]
        assert (state["encryption"], state["fingerprint"]) == ("self-made", made.fingerprint)
        assert "127.0.0.1" in state["names"]
        file = await client.get(f"{certificate}/content")
        assert (file.text, "PRIVATE" in file.text) == (made.pem, False)
        assert file.headers["content-type"] == "application/x-x509-ca-cert"


async def test_the_licences_name_every_library_that_the_program_asks_for(guest_role: httpx2.AsyncClient) -> None:
    told = {part["name"].lower() for part in (await guest_role.get("/api/v1/server/licences")).json()["data"]}
    assert {"fastapi", "sqlalchemy", "mcp", "anyio"} <= told
    assert "pytest" not in told
    project = tomllib.loads((Path(__file__).resolve().parents[3] / "pyproject.toml").read_text("utf-8"))["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["desktop"]]
    assert {re.split(r"[<>=; ]", line)[0].lower() for line in asked} == set(ROOTS)
