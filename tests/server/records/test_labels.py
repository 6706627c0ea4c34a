"""How the label of a model stands in a sentence."""

from __future__ import annotations

import pytest

from server.models.labels import in_sentence, with_article


@pytest.mark.parametrize(
    ("label", "told"),
    [
        ("Note", "a note"),
        ("Access rule", "an access rule"),
        ("User", "a user"),
        ("Unit", "a unit"),
        ("Umbrella", "an umbrella"),
        ("MCP server", "an MCP server"),
        ("API token", "an API token"),
        ("URL", "a URL"),
        ("A", "an a"),
        ("Übung", "a übung"),
    ],
)
def test_a_label_has_the_article_that_it_is_spoken_with(label: str, told: str) -> None:
    assert with_article(label) == told


def test_only_the_first_letter_is_written_small() -> None:
    assert (in_sentence("MCP server"), in_sentence("Meeting with Ada")) == ("MCP server", "meeting with Ada")
