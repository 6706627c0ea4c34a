"""What is kept of deeds, against the plain way of counting all of them each time."""

from __future__ import annotations

import random

import pytest

from server.access.actor import Actor
from server.asgi import kept_deeds
from server.asgi.kept_deeds import Deed, KeptDeeds, Slot

ADA = Actor("token", 1, "ada", "admin", credential_id=1)


class Plain:
    """The same by walking over everything."""

    def __init__(self) -> None:
        self.deeds: dict[Slot, tuple[float, bool, int | None]] = {}
        """Begun, ended, size of the answer."""

    def forget_old(self, now: float) -> None:
        self.deeds = {
            slot: deed for slot, deed in self.deeds.items() if deed[0] >= now - kept_deeds.KEPT_SECONDS or not deed[1]
        }

    def end(self, slot: Slot, status: int, size: int | None) -> None:
        self.deeds[slot] = (self.deeds[slot][0], True, size)
        if 400 <= status < 500:
            del self.deeds[slot]
        ended = [other for other, deed in self.deeds.items() if deed[1]]
        mine = [other for other in ended if other[:2] == slot[:2]]
        for other in mine[: max(0, len(mine) - kept_deeds.MOST_OF_A_PERSON)]:
            del self.deeds[other]
        ended = [other for other in ended if other in self.deeds]
        for other in ended[: max(0, len(ended) - kept_deeds.MOST)]:
            del self.deeds[other]
        for other, (begun, is_ended, held) in list(self.deeds.items()):
            if sum(deed[2] or 0 for deed in self.deeds.values()) > kept_deeds.MOST_BYTES and is_ended and held:
                self.deeds[other] = (begun, True, None)


@pytest.mark.parametrize("seed", range(20))
def test_what_is_kept_is_what_counting_everything_keeps(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, most in (("MOST_OF_A_PERSON", 5), ("MOST", 12), ("MOST_BYTES", 200), ("KEPT_SECONDS", 40.0)):
        monkeypatch.setattr(kept_deeds, name, most)
    dice = random.Random(seed)
    kept, plain, busy, now = KeptDeeds(), Plain(), dict[Slot, Deed](), 0.0
    for number in range(600):
        now += dice.random()
        if dice.random() < 0.5 or not busy:
            slot: Slot = ("token", dice.randrange(4), 1, f"key {number}")
            kept.forget_old(now)
            plain.forget_old(now)
            busy[slot] = Deed(ADA, "hash", now)
            kept.begin(slot, busy[slot])
            plain.deeds[slot] = (now, False, None)
        else:
            slot = dice.choice(list(busy))
            deed = busy.pop(slot)
            status, size = dice.choice((200, 200, 200, 404, 500)), dice.choice((0, 10, 60))
            headers = [(b"set-cookie", b"x")] if dice.random() < 0.2 else []
            kept.hear(deed, {"type": "http.response.start", "status": status, "headers": headers})
            for more in (True, False):
                kept.hear(deed, {"type": "http.response.body", "body": b"x" * (size // 2), "more_body": more})
            kept.end(slot)
            plain.end(slot, status, None if headers else size)
        told = {slot: (deed.begun, deed.ended.is_set(), deed.size) for slot, deed in kept.items()}
        assert told == {slot: (begun, ended, size or 0) for slot, (begun, ended, size) in plain.deeds.items()}
        assert list(told) == list(plain.deeds)
        assert kept.bytes_held == sum(size for _, _, size in told.values())
    assert len(kept) > 5
