"""`gridbear models`, on a folder that no server uses and beside a running one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gridbear_desktop.commands import run
from tests.gridbear_desktop.gridbear_process import Gridbear

Command = Callable[..., int]
TITLE = {"name": "title", "type": "text", "required": True}
YEAR = {"name": "year", "type": "integer"}


def file_of(path: Path, **fields: list[dict[str, Any]]) -> Path:
    models = [{"name": name, "label": name[:-1], "fields": given} for name, given in fields.items()]
    path.write_text(json.dumps({"format": "gridbear-models", "version": 1, "models": models}), "utf-8")
    return path


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs `gridbear` in this process, on a folder with one admin."""
    monkeypatch.setenv("GRIDBEAR_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("GRIDBEAR_KEY_STORE", "file")
    monkeypatch.setattr("server.cli.commands._password", lambda _: "a calm bear in a den")
    assert run(["user", "create", "maja", "--admin"]) == 0
    return lambda *arguments: run([str(argument) for argument in arguments])


def test_definitions_go_out_and_in_and_are_the_same(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = file_of(tmp_path / "given.json", books=[TITLE, YEAR], authors=[TITLE])
    capsys.readouterr()
    assert command("models", "import", given, "--dry-run") == 0
    assert capsys.readouterr().out.splitlines() == ["authors is made", "books is made"]
    assert command("models", "export") == 0
    assert json.loads(capsys.readouterr().out)["models"] == []
    assert command("models", "import", given, "--json") == 0
    assert [step["action"] for step in json.loads(capsys.readouterr().out)] == ["create", "create"]
    written = tmp_path / "written.json"
    assert command("models", "export", written, "--only", "books") == 0
    assert f"1 definition is in {written}." in capsys.readouterr().out
    assert command("models", "export", written) == 3
    assert command("models", "import", written) == 0
    assert "books is the same" in capsys.readouterr().out
    assert command("models", "export", "--only", "bears") == 1


@pytest.mark.slow
def test_beside_a_running_server_it_asks_the_server(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gridbear = Gridbear(tmp_path / "data")
    try:
        gridbear.ready(gridbear.serve("--port", "0"))
        assert command("models", "import", file_of(tmp_path / "a.json", books=[TITLE, YEAR])) == 0
        assert command("models", "import", file_of(tmp_path / "b.json", books=[TITLE]), "--json") == 0
        capsys.readouterr()
        assert command("models", "export") == 0
        assert [len(one["fields"]) for one in json.loads(capsys.readouterr().out)["models"]] == [1]
    finally:
        gridbear.end()


def test_losses_are_asked_about_and_a_wrong_file_is_refused_by_the_place(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("models", "import", file_of(tmp_path / "a.json", books=[TITLE, YEAR])) == 0
    (tmp_path / "rows.csv").write_text("title,year\nHeidi,1880\n", "utf-8")
    assert command("import", "books", tmp_path / "rows.csv") == 0
    without = file_of(tmp_path / "b.json", books=[TITLE])
    capsys.readouterr()
    for words in ([], ["--json"]):
        assert command("models", "import", without, *words) == 1
        assert "--yes" in capsys.readouterr().err
    assert command("export", "books", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)[0]["year"] == 1880
    assert command("models", "import", without, "--yes") == 0
    assert "year is dropped: 1 values" in capsys.readouterr().out
    (tmp_path / "text.json").write_text("{", "utf-8")
    (tmp_path / "list.json").write_text("[]", "utf-8")
    wrong = file_of(tmp_path / "wrong.json", books=[{"name": "title", "type": "picture"}])
    for file, says in (
        ("text.json", "no JSON"),
        ("list.json", "gridbear models export"),
        ("none.json", "can't be read"),
    ):
        assert command("models", "import", tmp_path / file) == 1
        assert says in capsys.readouterr().err
    assert command("models", "import", wrong) == 1
    assert "models.0.fields.0.type" in capsys.readouterr().err
