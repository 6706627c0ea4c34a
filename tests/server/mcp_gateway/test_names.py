"""Public names of tools: accepted by every client, unique, stable."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from server.mcp_gateway.catalogue.names import public_name
from server.mcp_gateway.catalogue.tool import catalogue_of

ACCEPTED = re.compile(r"^[a-zA-Z0-9_-]{1,64}$")
SERVERS = st.from_regex(r"[a-z0-9][a-z0-9-]{0,31}", fullmatch=True)


def test_a_plain_name_is_server_and_tool() -> None:
    assert public_name("time", "get_time") == "time__get_time"


def test_a_long_name_is_cut_and_carries_a_hash_that_never_changes() -> None:
    name = public_name("server", "x" * 200)
    assert len(name) == 64
    assert name == public_name("server", "x" * 200)
    assert name != public_name("server", "x" * 201)


def test_names_that_differ_in_foreign_characters_only_stay_apart() -> None:
    assert len({public_name("s", tool) for tool in ("a.b", "a/b", "a b", "a_b")}) == 4


@given(SERVERS, st.text(min_size=1))
def test_every_name_is_one_that_clients_accept_and_begins_with_its_server(server: str, tool: str) -> None:
    name = public_name(server, tool)
    assert ACCEPTED.match(name)
    assert name.startswith(f"{server}__")


@given(SERVERS, SERVERS, st.text(min_size=1, max_size=80), st.text(min_size=1, max_size=80))
def test_two_tools_never_share_a_name(server: str, other: str, tool: str, another: str) -> None:
    if (server, tool) != (other, another):
        assert public_name(server, tool) != public_name(other, another)


def test_what_a_server_says_of_a_tool_is_relayed_untouched_but_for_the_name() -> None:
    raw = {"name": "t", "inputSchema": {"type": "object", "x": 1}, "icons": [{"src": "i"}], "_meta": {"a": 1}, "new": 2}
    (tool,) = catalogue_of("s", [raw]).values()
    assert tool.as_listed(prefixed=True) == {**raw, "name": "s__t"}
    assert tool.as_listed(prefixed=False) == raw


def test_of_two_tools_of_one_name_the_first_is_kept_and_nameless_ones_are_dropped() -> None:
    tools = catalogue_of("s", [{"name": "t", "title": "first"}, {"name": "t"}, {"name": ""}, {}])
    assert [tool.summary()["title"] for tool in tools.values()] == ["first"]
