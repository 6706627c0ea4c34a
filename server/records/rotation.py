"""A new key for every sealed value of a running server."""

from __future__ import annotations

import asyncio
from typing import Any

from server.access.actor import SYSTEM
from server.records.sealing import seal_all
from server.records.service import Records
from server.records.work import Work


async def rotate(records: Records) -> int:
    """Make a new key and seal every value anew under it, all or none. Returns how many.

    Cut off in between, it is finished at the next start: until then older values open with their own key.
    """
    vault, registry = records.shelf.vault, records.registry
    await asyncio.to_thread(vault.add_key)

    def run(work: Work, _: list[Any]) -> int:
        return seal_all(work.transaction.execute, registry, vault)

    return await records.work(SYSTEM, run, tuple(spec.name for spec in registry if spec.sealed))
