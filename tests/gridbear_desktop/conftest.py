"""A data folder with its `gridbear` processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from gridbear_process import Gridbear


@pytest.fixture
def gridbear(tmp_path: Path) -> Iterator[Gridbear]:
    processes = Gridbear(tmp_path / "data")
    yield processes
    processes.end()
