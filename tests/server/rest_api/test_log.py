"""The server's log over REST: for admins alone, without secrets, and with a kind word where no file is kept."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.data_folder import DataFolder
from server.log_lines import MOST_TEXT
from tests.conftest import Bear, running_bear

pytestmark = pytest.mark.anyio
URL = "/api/v1/server/log"
LINES, BARS = f"{URL}/lines", f"{URL}/histogram"
NOW = datetime.now(UTC).replace(microsecond=0)
SECRET = "a cave full of honey"


@pytest.fixture
async def bear(tmp_path: Path, anyio_backend: str) -> AsyncIterator[Bear]:
    async with running_bear(tmp_path / "data", log_file="bear.log") as running:
        yield running


def line(minutes: float, level: str, text: str, request: str = "-") -> str:
    """A line as the server wrote it so many minutes ago."""
    moment = (NOW - timedelta(minutes=minutes)).astimezone()
    return f"{moment:%Y-%m-%d %H:%M:%S},000 {level} server.app [{request}] {text}\n"


def write(bear: Bear, *lines: str, name: str = "bear.log") -> None:
    folder = DataFolder(bear.app.settings.current.data_dir).logs
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("".join(lines), "utf-8")


async def read(client: httpx2.AsyncClient, address: str = LINES, **asked: Any) -> Any:
    answer = await client.get(address, params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def test_an_admin_reads_lines_with_what_belongs_to_them(bear: Bear, admin: httpx2.AsyncClient) -> None:
    trace = "Traceback (most recent call last):\n  File\nValueError: jam\n"
    write(bear, line(9, "INFO", "before"), line(3, "ERROR", f"it broke\n{trace}", "r-7"), line(1, "INFO", "after"))
    told = await read(admin, limit=2)
    assert (told["file"], told["kept"]) == ("bear.log", True)
    after, broke = told["lines"]
    assert after["message"] == "after" and after["request_id"] is None and after["more_lines"] == 0
    assert broke["level"] == "ERROR" and broke["logger"] == "server.app" and broke["request_id"] == "r-7"
    assert datetime.fromisoformat(broke["time"]) == NOW - timedelta(minutes=3)
    assert broke["message"] == "it broke" and "jam" not in str(broke) and broke["more_lines"] == 3
    whole = await read(admin, f"{LINES}/{broke['id']}")
    assert whole["more"] == trace.rstrip() and whole["cut"] is False
    assert {name: whole[name] for name in broke} == broke
    rest = await read(admin, limit=2, cursor=told["next"])
    assert [it["message"] for it in rest["lines"]] == ["before"] and rest["next"] is None


async def test_filters_and_bars_agree(bear: Bear, admin: httpx2.AsyncClient) -> None:
    write(
        bear,
        line(90, "ERROR", "long ago"), line(9, "DEBUG", "honey"), line(9, "CRITICAL", "Honey"), line(8, "ERROR", "jam"),
        line(2, "WARNING", "honey"), line(2, "INFO", "honey"),
    )  # fmt: skip
    since = (NOW - timedelta(minutes=10)).isoformat()
    told = await read(admin, level="WARNING", since=since)
    assert [it["level"] for it in told["lines"]] == ["WARNING", "ERROR", "CRITICAL"]
    told = await read(admin, q="HONEY", since=since, until=(NOW - timedelta(minutes=2)).isoformat())
    assert [it["level"] for it in told["lines"]] == ["CRITICAL", "DEBUG"]
    counted = await read(admin, BARS, since=since, step=120)
    assert counted["counted_from"] is None
    shown = [[bar[name] for name in ("debug", "info", "warning", "error")] for bar in counted["bars"]]
    assert shown == [[1, 0, 0, 1], [0, 0, 0, 1], [0, 1, 1, 0]]
    assert datetime.fromisoformat(counted["bars"][1]["time"]) == NOW - timedelta(minutes=8)
    [bar] = (await read(admin, BARS, since=since, step=600, q="jam"))["bars"]
    assert (bar["error"], bar["info"]) == (1, 0)
    assert sum(bar["error"] for bar in (await read(admin, BARS))["bars"]) == 2


async def test_nobody_else_learns_a_word(
    bear: Bear,
    admin: httpx2.AsyncClient,
    member: httpx2.AsyncClient,
    guest_role: httpx2.AsyncClient,
    nobody: httpx2.AsyncClient,
) -> None:
    write(bear, line(1, "ERROR", "the ladder stands behind the house"))
    known = (await read(admin))["lines"][0]["id"]
    reader = await bear.person("ada", scopes=["api:read"])
    tools = await bear.person("ada", scopes=["mcp"])
    for address in (LINES, f"{LINES}/{known}", f"{LINES}/1-0", BARS):
        assert (await reader.get(address)).status_code in (200, 404)
        for client, status in ((member, 403), (guest_role, 403), (tools, 403), (nobody, 401)):
            answer = await client.get(address)
            assert answer.status_code == status, (address, answer.text)
            assert "ladder" not in answer.text and "bear.log" not in answer.text and "1-0" not in answer.text


async def test_secrets_are_blacked_out_and_no_search_finds_them(bear: Bear, admin: httpx2.AsyncClient) -> None:
    made = await admin.post("/api/v1/secrets", json={"name": "cave.word", "value": SECRET})
    assert made.status_code == 201, made.text
    write(
        bear,
        line(2, "ERROR", f"refused: {SECRET}\n  with Bearer abcdefghijklmnop\n-----BEGIN PRIVATE KEY-----\nMIIabc"),
        line(1, "INFO", "gb_0123456789abcdefghij came in"),
    )
    told = await read(admin)
    whole = await read(admin, f"{LINES}/{told['lines'][1]['id']}")
    for word in (SECRET, "abcdefghijklmnop", "MIIabc", "gb_0123456789abcdefghij"):
        assert word not in str(told) + str(whole)
        assert (await read(admin, q=word))["lines"] == []
        assert (await read(admin, BARS, q=word[:6]))["bars"] == []
    assert told["lines"][1]["message"] == "refused: •••" and "Bearer •••" in whole["more"]


async def test_the_beginning_of_a_secret_at_the_end_of_what_is_shown_is_blacked_out(
    bear: Bear, admin: httpx2.AsyncClient
) -> None:
    await admin.post("/api/v1/secrets", json={"name": "cave.word", "value": SECRET})
    begun = line(1, "ERROR", "")[:-1]
    write(bear, f"{begun}{'x' * (MOST_TEXT - len(begun) - 8)}{SECRET}{'y' * 200_000}\n")
    [shown] = (await read(admin))["lines"]
    whole = await read(admin, f"{LINES}/{shown['id']}")
    assert whole["cut"] and SECRET[:4] not in whole["message"] and whole["message"].count("x•••… (cut") == 1


async def test_a_log_that_goes_to_stderr_alone_says_so(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data", log_file="") as bear:
        admin = await bear.person("ada", "admin")
        told = await read(admin)
        assert told == {"lines": [], "next": None, "file": "server.log", "kept": False}
        assert await read(admin, BARS) == {"bars": [], "counted_from": None}
        # What the tray let an earlier start write is still to be read.
        write(bear, line(5, "WARNING", "of the tray"), name="server.log")
        told = await read(admin)
        assert [it["message"] for it in told["lines"]] == ["of the tray"] and told["kept"] is False


async def test_stderr_that_goes_to_the_file_is_a_log_that_is_kept(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with running_bear(tmp_path / "data", log_file="") as bear:
        admin = await bear.person("ada", "admin")
        write(bear, line(5, "INFO", "of the tray"), name="server.log")
        file = os.open(DataFolder(bear.app.settings.current.data_dir).logs / "server.log", os.O_WRONLY | os.O_APPEND)
        former = os.dup(2)
        try:
            os.dup2(file, 2)
            told = await read(admin)
        finally:
            os.dup2(former, 2)
            os.close(former)
            os.close(file)
        assert told["kept"] is True and [it["message"] for it in told["lines"]] == ["of the tray"]


@pytest.mark.parametrize(
    "address, asked, field",
    [
        (LINES, {"level": "LOUD"}, "level"),
        (LINES, {"limit": 501}, "limit"),
        (LINES, {"limit": 0}, "limit"),
        (LINES, {"cursor": "../../etc/passwd"}, "cursor"),
        (LINES, {"cursor": "9" * 61}, "cursor"),
        (LINES, {"since": "yesterday"}, "since"),
        (LINES, {"since": "2026-01-01T00:00:00"}, "since"),
        (LINES, {"q": "x" * 201}, "q"),
        (BARS, {"step": 0}, "step"),
        (BARS, {"step": 1}, "step"),
        (BARS, {"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "until"),
    ],
)
async def test_what_makes_no_sense_is_refused_by_name(
    bear: Bear, admin: httpx2.AsyncClient, address: str, asked: dict[str, Any], field: str
) -> None:
    answer = await admin.get(address, params=asked)
    assert answer.status_code == 422 and list(answer.json()["fields"]) == [field], answer.text


async def test_moments_at_the_ends_of_time_break_nothing(bear: Bear, admin: httpx2.AsyncClient) -> None:
    write(bear, line(1, "INFO", "now"))
    first, last = "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"
    assert len((await read(admin, since=first, until=last))["lines"]) == 1
    [bar] = (await read(admin, BARS, since=first, until=last, step=10**9))["bars"]
    assert bar["info"] == 1 and datetime.fromisoformat(bar["time"]) <= NOW


async def test_a_line_that_is_no_more_answers_like_one_that_never_was(bear: Bear, admin: httpx2.AsyncClient) -> None:
    for name in ("1-0", "nothing", "%2e%2e%2fserver.log", "f" * 32 + "-" + "9" * 18, "f" * 33 + "-1"):
        answer = await admin.get(f"{LINES}/{name}")
        assert answer.status_code == 404, answer.text
    assert (await read(admin, cursor="f" * 32 + "-" + "9" * 18))["lines"] == []
