"""What a CSV may look like: separators, line ends, headers."""

from __future__ import annotations

import httpx2
import pytest

from tests.server.rest_api.tests_transfer_support import done, refused, rows

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "text",
    [
        "\ufefftitle,body\r\na,b\r\n",
        "title;body\na;b\n",
        "title\tbody\na\tb\n",
        '"title"|"body"\n"a"|"b"\n',
        "title,body\ra,b\r",
        "title,body\na,b",
        "\n\ntitle,body\n\na,b\n\n",
    ],
)
async def test_many_ways_to_write_a_csv_are_understood(member: httpx2.AsyncClient, text: str) -> None:
    assert (await done(member, text))["imported"] == 1
    [row] = await rows(member)
    assert (row["title"], row["body"]) == ("a", "b")


async def test_a_column_without_a_name_goes_by_its_place(member: httpx2.AsyncClient) -> None:
    text = ",title,\n0,a,b\n"
    assert set((await refused(member, 422, text))["fields"]) == {"column 1", "column 3"}
    assert (await done(member, text, ignore_unknown="true"))["ignored"] == ["column 1", "column 3"]
    await done(member, text, mapping='{"column 1": null, "column 3": "body"}')
    assert [(row["title"], row["body"]) for row in await rows(member)] == [("a", None), ("a", "b")]


async def test_a_header_alone_imports_nothing(member: httpx2.AsyncClient) -> None:
    report = await done(member, "title,body\n")
    assert (report["rows"], report["imported"], report["first_id"]) == (0, 0, None)
    assert (await done(member, "[]", format="json"))["rows"] == 0
