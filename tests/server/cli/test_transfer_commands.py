"""`gridbear export` and `gridbear import`, on a folder that no server uses and beside a running one."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gridbear_desktop.commands import run
from tests.gridbear_desktop.gridbear_process import Gridbear

CSV = 'title,year,price\nDune,1965,9.5\n"Ex, Machina",2014,1000\n'
Command = Callable[..., int]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs `gridbear` in this process, on a folder with one admin."""
    monkeypatch.setenv("GRIDBEAR_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr("server.cli.commands._password", lambda _: "a calm bear in a den")
    assert run(["user", "create", "maja", "--admin"]) == 0
    return lambda *arguments: run([str(argument) for argument in arguments])


@pytest.fixture
def books(tmp_path: Path) -> Path:
    path = tmp_path / "books.csv"
    path.write_text(CSV, "utf-8")
    return path


def test_a_file_becomes_a_model_of_its_own_and_comes_out_equal(
    command: Command, books: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("import", "books", books, "--create") == 0
    told = capsys.readouterr()
    assert "title (text), year (integer), price (number)" in told.err
    assert "2 of 2 rows of books.csv were imported into books" in told.out
    out = tmp_path / "out.jsonl"
    assert command("export", "books", out, "--fields", "title,year,price,owner_id") == 0
    rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert [row["title"] for row in rows] == ["Dune", "Ex, Machina"]
    assert [(row["year"], row["price"], row["owner_id"]) for row in rows] == [(1965, 9.5, 1), (2014, 1000.0, 1)]


def test_a_model_made_under_a_name_that_had_to_be_changed_gets_the_rows(
    command: Command, books: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for rows in (2, 4):
        assert command("import", "My Books", books, "--create") == 0
        assert "rows of books.csv were imported into my_books" in capsys.readouterr().out
        assert command("export", "my_books", "--fields", "title") == 0
        assert len(capsys.readouterr().out.splitlines()) == rows + 1


def test_headings_of_people_become_fields_and_their_rows_come_in_again_and_again(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "films.csv"
    path.write_text("ID;Title;Price (EUR);limit\n7;Alien;9,5;1\n8;Arrival;8,5;2\n", "utf-8")
    for rows in (2, 4):
        assert command("import", "films", path, "--create") == 0
        assert "2 of 2 rows of films.csv were imported into films" in capsys.readouterr().out
        assert command("export", "films", "--fields", "title,price_eur,limit_field", "--sort", "id") == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[1] == '"Alien","9,5",1' and len(lines) == rows + 1
    path.write_text("id,Title,Price (EUR),limit\n70,Heat,7,3\n", "utf-8")
    assert command("import", "films", path, "--create", "--keep-ids") == 0
    assert command("export", "films", "--fields", "title", "--where", "id=70") == 0
    assert "Heat" in capsys.readouterr().out
    assert command("import", "films", path) == 1
    told = capsys.readouterr().err
    assert "films has no field Title; map the column to one, or leave it out (ignore_unknown)" in told


def test_an_export_into_a_file_of_another_kind_is_refused_unless_the_format_is_said(
    command: Command, books: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command("import", "books", books, "--create")
    sheet = tmp_path / "books.xlsx"
    assert command("export", "books", sheet) == 1
    assert "books.xlsx" in capsys.readouterr().err and not sheet.exists()
    assert command("export", "books", sheet, "--format", "csv") == 0
    for name in ("books", "books.csv", "BOOKS.JSONL", "books.ndjson", "books.tar.json"):
        assert command("export", "books", tmp_path / f"out-{name}") == 0, name
    assert (tmp_path / "out-books.ndjson").read_text("utf-8").startswith("{")


def test_a_file_of_records_without_its_model_and_one_that_is_not_there_are_told_what_is_missing(
    command: Command, books: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, says in (((books,), f"gridbear import MODEL {books}"), (("books",), "There is no file books.")):
        assert command("import", *words) == 1
        assert says in capsys.readouterr().err


def test_an_export_goes_to_the_standard_output_with_filters(
    command: Command, books: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    command("import", "books", books, "--create")
    capsysbinary.readouterr()
    assert command("export", "books", "--where", "year__lt=2000", "--fields", "title", "--sort", "-year") == 0
    assert capsysbinary.readouterr().out == b'title\r\n"Dune"\r\n'


def test_a_bad_row_refuses_the_file_and_is_named_unless_bad_rows_are_skipped(
    command: Command, books: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command("import", "books", books, "--create")
    books.write_text("title,year,price\nSolaris,1961,1\nBroken,soon,1\n", "utf-8")
    capsys.readouterr()
    assert command("import", "books", books) == 1
    told = capsys.readouterr()
    assert "Nothing was imported" in told.err and "row 2, year:" in told.err and told.out == ""
    assert command("import", "books", books, "--skip-bad", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["imported"], report["refused"], report["errors"][0]["row"]) == (1, 1, 2)


def test_a_dry_run_stores_nothing_and_makes_no_model(
    command: Command, books: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("import", "books", books, "--create", "--dry-run") == 0
    assert "Would make the model books" in capsys.readouterr().err
    assert command("export", "books") == 1
    assert "no model 'books'" in capsys.readouterr().err


def test_columns_are_mapped_and_left_out(
    command: Command, books: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert command("import", "notes", books, "--map", "year=", "--map", "price=", "--owner", "maja") == 0
    capsysbinary.readouterr()
    assert command("export", "notes", "--fields", "title", "--format", "json") == 0
    assert json.loads(capsysbinary.readouterr().out) == [{"title": "Dune"}, {"title": "Ex, Machina"}]


def test_a_file_that_exists_is_not_replaced_unless_asked(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "notes.csv"
    out.write_text("mine", "utf-8")
    assert command("export", "notes", out) == 3
    assert "--force" in capsys.readouterr().err and out.read_text("utf-8") == "mine"
    assert command("export", "notes", out, "--force") == 0
    assert out.read_text("utf-8").startswith("id,title")
    assert list(tmp_path.glob("*.part")) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("export", "notes", "--where", "done"), "--where"),
        (("export", "notes", "--where", "nothing=1"), "no such field"),
        (("export", "notes", "--sort", "nothing"), "sort"),
        (("export", "notes", "/no/such/folder/notes.csv"), "can't be written"),
        (("import", "notes", "/no/such/file.csv"), "can't be read"),
        (("import", "notes", "{books}", "--map", "=title"), "--map"),
        (("import", "notes", "{books}", "--owner", "nobody"), "no user 'nobody'"),
        (("import", "notes", "{books}"), "no field"),
    ],
)
def test_wrong_words_are_one_clear_sentence(
    command: Command, books: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    assert command(*(argument.format(books=books) for argument in arguments)) == 1
    told = capsys.readouterr().err
    assert said in told and told.startswith("gridbear: ") and "Traceback" not in told


@pytest.mark.parametrize(
    "arguments", [("export", "notes"), ("export", "--everything", "house.gridbear"), ("backup", "--without-phrase")]
)
def test_what_only_reads_makes_no_new_gridbear(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    assert run([*arguments, "--data-dir", str(tmp_path / "typo")]) == 1
    assert "There is no GridBear in" in capsys.readouterr().err
    assert not (tmp_path / "typo").exists()


@pytest.fixture
def gridbear(tmp_path: Path) -> Iterator[Gridbear]:
    running = Gridbear(tmp_path / "data")
    yield running
    running.end()


@pytest.mark.slow
def test_the_same_commands_work_beside_a_running_server(gridbear: Gridbear, tmp_path: Path) -> None:
    gridbear.create_user("maja")
    gridbear.ready(gridbear.serve("--port", "0"))
    # Larger than what a guess looks at: the rest is not sent for it.
    rows = [f'"Title {number}, with a comma",{number},{"x" * 200}' for number in range(8000)]
    source = tmp_path / "rows.csv"
    source.write_text("\n".join(["title,number,filler", *rows, ""]), "utf-8")
    made = gridbear.cli("import", "things", str(source), "--create", "--json")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["imported"] == 8000
    target = tmp_path / "out.csv"
    done = gridbear.cli("export", "things", str(target), "--fields", "title,number", "--where", "number__gte=7998")
    assert done.returncode == 0, done.stderr
    assert target.read_bytes() == (
        b'title,number\r\n"Title 7998, with a comma",7998\r\n"Title 7999, with a comma",7999\r\n'
    )
    source.write_text("title,number,filler\nfine,1,x\nbroken,many,x\n", "utf-8")
    refused = gridbear.cli("import", "things", str(source))
    assert refused.returncode == 1 and "row 2, number:" in refused.stderr
    unknown = gridbear.cli("export", "nothing")
    assert unknown.returncode == 1 and "no model 'nothing'" in unknown.stderr


def test_records_come_from_the_standard_input_and_go_to_the_standard_output(
    command: Command, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    for more in (["--create", "--dry-run"], ["--create"], ["--dry-run"]):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(CSV.encode())))
        assert command("import", "books", "-", *more) == 0
    assert b"2 of 2 rows of stdin were imported into books" in capsysbinary.readouterr().out
    assert command("export", "books", "-", "--fields", "title") == 0
    assert capsysbinary.readouterr().out == b'title\r\n"Dune"\r\n"Ex, Machina"\r\n'
    assert not Path("-").exists()


def test_a_disk_that_is_nearly_full_is_told_of_once(
    command: Command, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("GRIDBEAR_STORAGE_READ_ONLY_BYTES", str(10**15))
    assert command("user", "create", "max") == 1
    assert "writes nothing new" in capsys.readouterr().err
    assert [record for record in caplog.records if record.levelname == "WARNING"] == []
