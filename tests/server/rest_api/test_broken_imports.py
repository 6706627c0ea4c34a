"""An import that breaks off after some of its rows were stored: they stay, and everybody who has to know is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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
        told = (await admin.get("/api/v1/audit_entries?kind=import")).json()["data"]
        assert [(row["model"], row["detail"]) for row in told] == [("notes", f"{FIRST_CHUNK} rows, then it broke off")]
