"""Declarations and files compared: what means the same is the same, whatever it looks like."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import CheckConstraint, Column, Integer, MetaData, Table, Text, UniqueConstraint

from server.db.connection import connect
from server.db.rebuild import create_table
from server.db.schema_fingerprint import fingerprint, is_as_declared, normalised, schema_of


def bears(*constraints: CheckConstraint | UniqueConstraint) -> Table:
    return Table(
        "bears",
        MetaData(),
        Column("id", Integer, primary_key=True),
        Column("name", Text),
        *constraints,
        sqlite_autoincrement=True,
    )


def name_is(clause: str) -> CheckConstraint:
    return CheckConstraint(clause, name="ck_bears_name")


def once() -> UniqueConstraint:
    return UniqueConstraint("name", name="uq_bears_name")


def test_constraints_in_another_order_are_the_same_and_another_check_is_not() -> None:
    first = bears(name_is("name != 'a, (b'"), once())
    turned = bears(once(), name_is("name != 'a, (b'"))
    assert fingerprint(first) == fingerprint(turned)
    others = [bears(once()), bears(name_is("name != 'a, (c'"), once()), bears(name_is("name != 'a,  (b'"), once())]
    assert len({fingerprint(table) for table in (first, *others)}) == 4


def test_space_and_quotes_mean_nothing_and_the_order_of_columns_does() -> None:
    plain = "CREATE TABLE t (a TEXT, b INTEGER, CONSTRAINT c CHECK (a != 'x  y'), CONSTRAINT b CHECK (b IN (1, 2)))"
    spaced = (
        'CREATE TABLE "t"(\n\t"a" TEXT,\n"b"  INTEGER, CONSTRAINT b CHECK("b" IN (1,2)), '
        "CONSTRAINT c CHECK (a != 'x  y') )"
    )
    assert normalised(plain) == normalised(spaced)
    assert normalised(plain) != normalised(plain.replace("a TEXT, b INTEGER", "b INTEGER, a TEXT"))
    assert normalised(plain) != normalised(plain.replace("x  y", "x y"))
    assert normalised(plain + " STRICT") != normalised(plain)


def test_a_table_is_as_declared_only_with_its_indexes_and_its_autoincrement(tmp_path: Path) -> None:
    table = bears(name_is("name != ''"))
    connection = connect(tmp_path / "x.db")
    create_table(connection, table)
    assert is_as_declared(table, schema_of(connection))
    table.append_column(Column("age", Integer, index=True))
    assert not is_as_declared(table, schema_of(connection))
    plain = bears(name_is("name != ''"))
    plain.dialect_options["sqlite"]["autoincrement"] = False
    assert not is_as_declared(plain, schema_of(connection))
    connection.close()
