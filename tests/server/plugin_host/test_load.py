"""Importing a plugin's files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from server.models.base import Base
from server.plugin_host.load import load_part, unload


def test_a_file_that_is_saved_twice_within_a_second_at_one_size_is_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    source = tmp_path / "jar.py"
    found = []
    try:
        for honey in ("full", "none"):
            source.write_text(f"HONEY = {honey!r}\n", "utf-8")
            os.utime(source, (1_700_000_000, 1_700_000_000))
            module = load_part("bee-hive", tmp_path, "jar")
            assert module is not None and list((tmp_path / "__pycache__").glob("jar.*.pyc"))
            found.append(module.HONEY)
            unload(["bee-hive"], Base)
    finally:
        unload(["bee-hive"], Base)
    assert found == ["full", "none"]
