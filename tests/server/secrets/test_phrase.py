"""The recovery phrase: typing it, wrapping and unwrapping."""

from __future__ import annotations

import json

import pytest

from server.secrets.key_ring import KeyRing, Unreadable
from server.secrets.phrase import new_phrase, public_key, unwrap, wrap, wrap_again
from server.secrets.wrapped_ring import WrappedRing, WrongPhrase

RING = KeyRing.new().with_new_key()
# A published example of BIP-39, so that a change of list or derivation is noticed.
KNOWN = "legal winner thank year wave sausage worth useful legal winner thank yellow"


def test_a_phrase_has_twelve_words_and_opens_what_it_wrapped() -> None:
    phrase = new_phrase()
    assert len(phrase.split()) == 12
    assert new_phrase() != phrase
    assert unwrap(wrap(RING, phrase), phrase) == RING


def test_the_key_pair_of_a_phrase_never_changes() -> None:
    assert public_key(KNOWN).hex() == "6224c9968f095f3b1517b0c6f748250467ecdf620f545c50c38ff6188a1e1349"


@pytest.mark.parametrize(
    "typed",
    [
        KNOWN.upper(),
        f"  {KNOWN.replace(' ', '   ')}\n",
        KNOWN.replace(" ", "\n"),
        KNOWN.replace(" ", ", "),
        " ".join(f"{number}. {word.title()}" for number, word in enumerate(KNOWN.split(), 1)),
    ],
)
def test_case_spaces_commas_and_numbers_do_no_harm(typed: str) -> None:
    assert public_key(typed) == public_key(KNOWN)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (KNOWN.replace("wave", "waive"), "Word 5, “waive”"),
        (KNOWN.replace("legal winner", "winner legal", 1), "changed places"),
        (KNOWN.replace("yellow", "zoo"), "one of them is wrong"),
        (KNOWN.rpartition(" ")[0], "these are 11"),
        (f"{KNOWN} zoo", "these are 13"),
        ("", "these are 0"),
        ("legal\x00legals", "Word 2, “legals”, is not"),
        ("ёж " * 12, "Word 1"),
        ("zoo " * 100_000, "these are 100000"),
    ],
)
def test_a_wrong_phrase_says_what_is_wrong(typed: str, told: str) -> None:
    with pytest.raises(WrongPhrase, match=told) as caught:
        public_key(typed)
    assert caught.value.fields["phrase"].code == "wrong_phrase"
    assert len(caught.value.message) < 200


def test_another_phrase_is_refused_without_opening_anything() -> None:
    blob = wrap(RING, KNOWN)
    with pytest.raises(WrongPhrase, match="not the recovery phrase that was kept on 20"):
        unwrap(blob, new_phrase())


def test_a_wrapped_ring_holds_no_key_and_another_ring_is_wrapped_without_the_phrase() -> None:
    blob = wrap(RING, KNOWN)
    for key in RING.to_json()["keys"].values():
        assert key.encode() not in blob
    more = RING.with_new_key()
    again = wrap_again(WrappedRing.from_bytes(blob), more)
    assert unwrap(again.to_bytes(), KNOWN) == more
    assert again.kept_at == WrappedRing.from_bytes(blob).kept_at


@pytest.mark.parametrize("field", ["sealed", "public_key", "format", "kept_at"])
def test_a_damaged_wrapped_ring_is_refused(field: str) -> None:
    content = json.loads(wrap(RING, KNOWN))
    content[field] = content[field][:-8]
    with pytest.raises((Unreadable, WrongPhrase)):
        unwrap(json.dumps(content).encode(), KNOWN)


def test_a_changed_wrapped_ring_is_refused() -> None:
    content = json.loads(wrap(RING, KNOWN))
    content["sealed"] = json.loads(wrap(RING, new_phrase()))["sealed"]
    with pytest.raises(Unreadable, match="phrase is right"):
        unwrap(json.dumps(content).encode(), KNOWN)
    for bad in (b"", b"[]", b"{}", b"\xff", b"null"):
        with pytest.raises(Unreadable):
            unwrap(bad, KNOWN)
