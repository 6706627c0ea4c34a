"""Any text at all: it is read, or refused in words; no entry breaks its neighbours."""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from server.errors import ValidationFailed
from server.mcp_gateway.importing.draft import Draft, drafted, with_secrets
from server.mcp_gateway.importing.placeholders import OURS, Filler
from server.mcp_gateway.importing.reading import Reading, read_servers
from server.mcp_gateway.importing.secret_values import is_secret
from server.mcp_gateway.importing.understanding import NotUsable
from tests.server.mcp_gateway.importing import example_files as files

WORDS = ("command", "args", "env", "url", "headers", "type", "cwd", "httpUrl", "http_headers", "env_vars",
         "bearer_token_env_var", "disabled", "envFile", "requestInit", "env_http_headers")  # fmt: skip
PIECES = st.sampled_from(
    ("${input:a}", "${env:TOKEN}", "${X:-y}", "${secret:a}", "$", "{secret:a}", "npx", "-y", "pkg@latest", "stdio",
     "https://u:p@h/x?key=1", "http://[", "Bearer abc", "\x00", "\ud800", "../..", "~", "\r\n", "cmd", "/c", "")
)  # fmt: skip
TEXTS = st.lists(PIECES | st.text(max_size=5), max_size=3).map("".join)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
ENTRIES = st.dictionaries(st.sampled_from(WORDS), VALUES | TEXTS | st.lists(TEXTS, max_size=3), max_size=5) | VALUES


def drafts_of(reading: Reading) -> list[Draft]:
    """What a preview makes of a reading, apart from the database."""
    found = []
    for entry in reading.entries:
        filler = Filler({}, reading.inputs, Path("/home/maja"))
        draft = drafted(entry, filler)
        if not draft.problem:
            try:
                with_secrets(draft, filler, lambda variable: f"new-{variable}")
            except NotUsable as error:
                draft.problem = str(error.args[0])
        found.append(draft)
    return found


@given(text=st.text() | st.text(alphabet=string.printable + "[]{}\"':,#=."))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    try:
        drafts_of(read_servers(text))
    except ValidationFailed as error:
        assert error.message


@given(at=st.integers(0, 900), piece=PIECES, which=st.sampled_from(sorted(files.ALL)), cut=st.integers(0, 40))
def test_a_damaged_file_of_a_client_is_read_or_refused_in_words(at: int, piece: str, which: str, cut: int) -> None:
    text = files.ALL[which]
    try:
        drafts_of(read_servers(text[:at] + piece + text[at + cut :]))
    except ValidationFailed as error:
        assert error.message


@settings(max_examples=400)
@given(entry=ENTRIES, inputs=st.lists(st.fixed_dictionaries({"id": TEXTS, "default": VALUES}), max_size=2))
def test_any_entry_becomes_a_server_or_says_why_not_and_never_names_a_secret_that_is_not_its_own(
    entry: Any, inputs: list[Any]
) -> None:
    text = json.dumps({"inputs": inputs, "mcpServers": {"odd": entry, "good": {"command": "x"}}})
    odd, good = drafts_of(read_servers(text))
    assert good.status == "ready"
    if odd.problem:
        return
    own = {f"{OURS}{secret.name}}}" for secret in odd.secrets}
    for name, value in {**odd.env, **odd.headers}.items():
        rest = value
        for reference in own:
            rest = rest.replace(reference, "")
        assert OURS not in rest, (entry, value)
        assert rest != value or not is_secret(name, value), (name, value)
