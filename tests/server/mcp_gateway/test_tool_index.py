"""Search over tools: the best first, in an order that depends on nothing but the tools and the words."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from server.mcp_gateway.builtin_tools.tool_index import ToolIndex, words
from server.mcp_gateway.catalogue.tool import Tool, catalogue_of

WORDS = ["time", "zone", "read", "file", "files", "convert", "note", "writeFile", "Größe", "to_do"]
TEXT = st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join)
TOOLS = st.lists(st.tuples(st.sampled_from(WORDS), TEXT, TEXT), max_size=12, unique_by=lambda it: it[0])


def tools_of(made: list[tuple[str, str, str]], server: str = "up") -> list[Tool]:
    raw: list[dict[str, Any]] = [
        {"name": name, "description": text, "inputSchema": {"properties": dict.fromkeys(names.split(), {})}}
        for name, text, names in made
    ]
    return list(catalogue_of(server, raw).values())


def names(tools: list[Tool]) -> list[str]:
    return [tool.name for tool in tools]


@given(TOOLS, TEXT, st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_the_order_of_the_tools(made: list, query: str, random: Any) -> None:
    shuffled = list(made)
    random.shuffle(shuffled)
    found = names(ToolIndex(tools_of(made)).search(query, 50))
    assert found == names(ToolIndex(tools_of(shuffled)).search(query, 50))
    assert found == names(
        ToolIndex(tools_of(made)).search(f"  {query.upper()}?! ".replace("WRITEFILE", "writeFile"), 50)
    )
    assert len(set(found)) == len(found)


@given(TOOLS, TEXT)
def test_every_tool_with_a_word_of_the_query_is_found_and_no_other(made: list, query: str) -> None:
    wanted = set(words(query))
    found = set(names(ToolIndex(tools_of(made)).search(query, 50)))
    for name, text, arguments in made:
        known = words(f"up__{name}") + words(text) + words(arguments)
        meant = any(it == word or (len(word) >= 3 and it.startswith(word)) for it in known for word in wanted)
        assert (name in found) == meant


@given(TOOLS, TEXT, st.integers(1, 5))
def test_a_shorter_list_is_the_beginning_of_the_longer(made: list, query: str, limit: int) -> None:
    index = ToolIndex(tools_of(made))
    assert index.search(query, 50)[:limit] == index.search(query, limit)


def test_the_name_counts_more_than_the_description_and_rare_words_more_than_common() -> None:
    index = ToolIndex(tools_of([
        ("read_file", "Reads from a disk.", "path"),
        ("stat", "Tells of a file on a disk when it was changed, how large it is, and who may read it.", "path"),
        ("list_disk", "Lists a disk.", "path"),
        ("search", "Searches a disk by content.", "pattern"),
    ]))  # fmt: skip
    assert names(index.search("file", 9))[0] == "read_file"
    assert names(index.search("disk content", 9))[0] == "search"
    assert names(index.search("patt", 9)) == ["search"], "the beginning of an argument's name"
    assert index.search("", 9) == index.search("?!", 9) == ToolIndex([]).search("file", 9) == []
    assert index.search("nothing of the kind", 9, "other") == []


def test_words_are_parts_of_names_in_small_letters_without_the_plural() -> None:
    assert words("getUserFiles") == ["get", "user", "file"]
    assert words("list_STORIES-of") == ["list", "story", "of"]
    assert words("process address") == ["process", "address"]
    assert words("Größe 日本 2 ") == ["grösse", "日本", "2"]
