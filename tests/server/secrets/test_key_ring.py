"""Sealing, and what can't be opened."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.secrets.key_ring import KeyRing, Place, Unreadable, sealed_under

PLACE = Place("mcp_servers", "env", 7)
RING = KeyRing.new()
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
places = st.builds(Place, st.sampled_from(["a", "b"]), st.sampled_from(["x", "y"]), st.integers(0, 3))


@given(texts, places, places)
def test_a_sealed_text_opens_at_its_own_place_and_at_no_other(text: str, place: Place, other: Place) -> None:
    sealed = RING.seal(text, place)
    assert RING.open(sealed, place) == text
    if other != place:
        with pytest.raises(Unreadable, match="moved"):
            RING.open(sealed, other)


@given(texts, st.data())
def test_a_changed_sealed_text_is_refused(text: str, data: st.DataObject) -> None:
    sealed = RING.seal(text, PLACE)
    at = data.draw(st.integers(len("gb1:") + 17, len(sealed) - 2))
    changed = sealed[:at] + ("A" if sealed[at] != "A" else "B") + sealed[at + 1 :]
    with pytest.raises(Unreadable):
        RING.open(changed, PLACE)


def test_the_same_text_is_sealed_differently_each_time_and_never_in_clear() -> None:
    one, two = RING.seal("the same words", PLACE), RING.seal("the same words", PLACE)
    assert one != two
    assert "same" not in one
    assert sealed_under(one) == RING.current
    assert sealed_under("gb1: a text of a person") is None


def test_after_a_new_key_old_texts_still_open() -> None:
    old = RING.seal("x", PLACE)
    ring = RING.with_new_key()
    assert ring.current != RING.current
    assert ring.open(old, PLACE) == "x"
    assert sealed_under(ring.seal("x", PLACE)) == ring.current


def test_a_text_under_an_absent_key_names_the_key_and_the_way_out() -> None:
    with pytest.raises(Unreadable, match=rf"{RING.current}.*gridbear secrets recover"):
        KeyRing.new().open(RING.seal("x", PLACE), PLACE)


def test_a_ring_survives_its_json_and_a_false_one_is_refused() -> None:
    ring = RING.with_new_key()
    data = ring.to_json()
    assert KeyRing.from_json(data) == ring
    stranger = KeyRing.new().to_json()["keys"].popitem()[1]
    for bad in (
        None,
        {},
        {"current": ring.current, "keys": {}},
        {"current": "0" * 16, "keys": data["keys"]},
        {"current": ring.current, "keys": {ring.current: "!"}},
        {"current": ring.current, "keys": {ring.current: stranger}},
    ):
        with pytest.raises(ValueError, match=r"ring"):
            KeyRing.from_json(bad)


def test_a_ring_shows_no_key_when_it_is_printed() -> None:
    ring = KeyRing.of(b"k" * 32)
    assert "kkk" not in f"{ring!r} {ring}"
