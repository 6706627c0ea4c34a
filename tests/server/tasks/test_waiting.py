"""Whose turn it is: never more at once than allowed, the most important first, nobody forgotten."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from server.tasks.waiting import Entry, Waiting

ENTRIES = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from([None, 1, 2]), st.integers(-2, 2)), min_size=1, max_size=30
)
LIMITS = {"a": 1, "b": 3}
PER_PERSON = 2


@given(ENTRIES, st.randoms(use_true_random=False))
def test_limits_hold_at_every_moment_and_every_task_of_a_known_kind_gets_its_turn(
    made: list[tuple[str, int | None, int]], random: Random
) -> None:
    waiting = Waiting()
    entries = [Entry(number, *one) for number, one in enumerate(made)]
    for each in entries:
        waiting.add(each)
    running: list[Entry] = []
    done: list[Entry] = []
    while True:
        while (entry := waiting.take(LIMITS, PER_PERSON)) is not None:
            better = [it for it in entries if it not in running and it not in done and it != entry
                      and (it.kind, it.owner_id) == (entry.kind, entry.owner_id)]  # fmt: skip
            assert all((it.priority, -it.record_id) < (entry.priority, -entry.record_id) for it in better)
            running.append(entry)
            for kind, limit in LIMITS.items():
                assert sum(it.kind == kind for it in running) <= limit
            for owner in (1, 2):
                assert sum(it.owner_id == owner for it in running) <= PER_PERSON
        if not running:
            break
        ended = running.pop(random.randrange(len(running)))
        done.append(ended)
        waiting.ended(ended)
    assert {it.record_id for it in done} == {it.record_id for it in entries if it.kind in LIMITS}
    assert len(waiting) == sum(it.kind == "c" for it in entries)


def test_of_equally_important_tasks_that_of_the_person_with_fewer_running_goes_first() -> None:
    waiting = Waiting()
    for number in range(3):
        waiting.add(Entry(number, "a", 1, 0))
    waiting.add(Entry(9, "a", 2, 0))
    taken = [waiting.take({"a": 9}, 5) for _ in range(4)]
    assert [entry and entry.record_id for entry in taken] == [0, 9, 1, 2]


def test_a_task_that_was_discarded_is_never_taken() -> None:
    waiting = Waiting()
    waiting.add(Entry(1, "a", 1, 0))
    assert waiting.discard(1) and not waiting.discard(1)
    assert waiting.take({"a": 1}, 1) is None and len(waiting) == 0
