"""Runs a queue until it is killed: `task_worker.py FOLDER COUNT DEEDS` stores COUNT tasks once, then works them off.

Each deed is a line in the file DEEDS, written before it counts as done.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from server.access.actor import SYSTEM, Actor
from server.app import create_app
from server.config import Settings
from server.data_folder import DataFolder
from server.models.task import OPEN_STATES
from server.tasks.kinds import Kind
from server.tasks.queue import Tasks
from server.tasks.report import Report

AT_ONCE = 40


async def main(folder: Path, count: int, deeds: Path) -> None:
    DataFolder(folder).open()
    app = create_app(Settings(data_dir=folder, key_store="file", tasks_open_per_person=100_000,
                              storage_logs_stop_bytes=0, storage_read_only_bytes=0))  # fmt: skip
    async with app.data():
        tasks = Tasks(app.records, app.settings, app._bus)
        file = os.open(deeds, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

        async def work(_actor: Actor, given: dict[str, Any], report: Report) -> Any:
            report.log("begun")
            os.write(file, f"{given['number']}\n".encode())
            await asyncio.sleep(0)
            return {"number": given["number"]}

        for name in ("once", "twice"):
            tasks.register(Kind(name, work, at_once=AT_ONCE, idempotent=name == "twice", attempts=1000))
        stored = (await app.records.list_page(SYSTEM, "tasks", [("limit", "1")])).count or 0
        if stored < count:
            kinds = ("once", "twice")
            for begin in range(stored, count, 500):
                await asyncio.gather(*(
                    tasks.submit(SYSTEM, kinds[number % 2], "Work", {"number": number})
                    for number in range(begin, min(count, begin + 500))
                ))  # fmt: skip
        print("stored", flush=True)
        await tasks.start()
        open_ = [("status__in", ",".join(OPEN_STATES)), ("limit", "1")]
        while (await app.records.list_page(SYSTEM, "tasks", open_)).count:
            await asyncio.sleep(0.05)
        print("done", flush=True)
        await tasks.stop()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))
