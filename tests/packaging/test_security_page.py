"""The threat model is as true as its tests: each one that docs/security.md names is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_TEST = re.compile(r"def (test_\w+)")


def test_every_test_that_the_threat_model_names_exists() -> None:
    there = {name for path in (ROOT / "tests").rglob("*.py") for name in _TEST.findall(path.read_text("utf-8"))}
    page = (ROOT / "docs" / "security.md").read_text("utf-8")
    rows = [line for line in page.partition("## Threats")[2].partition("\n## ")[0].splitlines() if line[:2] == "| "][1:]
    named = {name for row in rows for name in re.findall(r"`(test_\w+)`", row)}
    assert named <= there, named - there
    assert not [row for row in rows if "`test_" not in row], "each threat has a test"


def test_every_weak_point_has_a_test_that_names_it() -> None:
    there = [name for path in (ROOT / "tests").rglob("*.py") for name in _TEST.findall(path.read_text("utf-8"))]
    for number in range(1, 17):
        assert any(name.startswith(f"test_s{number}_") for name in there), f"S{number}"
