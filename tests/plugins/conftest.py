"""A running server with a folder for plugins."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from tests.conftest import Bear, running_bear


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "plugins"


@pytest.fixture
async def house(tmp_path: Path, folder: Path) -> AsyncIterator[Bear]:
    async with running_bear(tmp_path / "data") as bear:
        yield bear


@pytest.fixture
async def ada(house: Bear) -> httpx2.AsyncClient:
    return await house.person("ada", "admin")
