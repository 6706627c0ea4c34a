"""An import that breaks off after some of its rows were stored: they stay, and everybody who has to know is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from server.access.actor import SYSTEM
from server.events.bus import RecordChanged
from server.records.importing import FIRST_CHUNK
from server.records.service import Records
from tests.conftest import running_bear
from tests.server.rest_api.tests_transfer_support import NOTES

pytestmark = pytest.mark.anyio
GB = 1 << 30
CSV = "title\n" + "row\n" * (3 * FIRST_CHUNK)


def after_the_first_chunk(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    work, todo = Records.work, [act]

    async def and_then(self: Records, actor: Any, run: Any, models: Any, **options: Any) -> Any:
        result = await work(self, actor, run, models, **options)
        if options.get("attached") is not None and todo:
            todo.pop()()
        return result

    monkeypatch.setattr(Records, "work", and_then)


@pytest.mark.parametrize("cause", ["the server stops", "the disk is full"])
async def test_what_was_stored_is_in_the_audit_log_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cause: str
) -> None:
    free = [50 * GB]
    limits = {"storage_logs_stop_bytes": GB, "storage_read_only_bytes": GB}
    async with running_bear(tmp_path / "data", lambda _folder: free[0], **limits) as bear:
        admin = await bear.person("ada", "admin")
        heard: list[RecordChanged] = []
        forget = bear.app._bus.subscribe(heard.append, ("notes",))

        def break_off() -> None:
            if cause == "the server stops":
                for running in bear.app.transfers._imports:
                    running.stop()
            else:
                free[0] = GB // 2
                bear.app.storage_watch.storage.look()

        after_the_first_chunk(monkeypatch, break_off)
        answer = await admin.post(f"{NOTES}/import?mode=skip_bad", content=CSV.encode())
        assert answer.status_code == (503 if cause == "the server stops" else 507), answer.text
        forget()
        assert (await admin.get(NOTES)).json()["count"] == FIRST_CHUNK
        assert [(event.model, event.verb) for event in heard] == [("notes", "import")]
        told = (await admin.get("/api/v1/audit_entries?kind=import&sort=id")).json()["data"]
        assert [(row["model"], row["detail"]) for row in told] == [
            ("notes", f"{FIRST_CHUNK} rows, and more to come"),
            ("notes", f"{FIRST_CHUNK} rows, then it broke off"),
        ]


@pytest.mark.parametrize("mode", ["all", "skip_bad"])
async def test_an_import_is_in_the_audit_log_as_soon_as_rows_of_it_are_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """Were the process killed then, nothing else would tell of them."""
    async with running_bear(tmp_path / "data") as bear:
        admin = await bear.person("ada", "admin")
        seen: list[str] = []

        def look() -> None:
            rows = bear.app.records.all_now(SYSTEM, "audit_entries")
            seen.extend(str(row["detail"]) for row in rows if row["kind"] == "import")

        after_the_first_chunk(monkeypatch, look)
        answer = await admin.post(f"{NOTES}/import?mode={mode}", content=CSV.encode())
        assert answer.status_code == 200, answer.text
        whole, part = f"{3 * FIRST_CHUNK} rows", f"{FIRST_CHUNK} rows, and more to come"
        assert seen == [whole if mode == "all" else part]
        told = (await admin.get("/api/v1/audit_entries?kind=import&sort=id")).json()["data"]
        assert [row["detail"] for row in told] == ([whole] if mode == "all" else [part, whole])


async def test_a_short_import_that_skips_bad_rows_is_in_the_audit_log_once(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data") as bear:
        admin = await bear.person("ada", "admin")
        for content in (b"title\nrow\n", b"title,done\nrow,perhaps\n"):
            answer = await admin.post(f"{NOTES}/import?mode=skip_bad", content=content)
            assert answer.status_code == 200, answer.text
        told = (await admin.get("/api/v1/audit_entries?kind=import&sort=id")).json()["data"]
        assert [row["detail"] for row in told] == ["1 rows", "0 rows"]
