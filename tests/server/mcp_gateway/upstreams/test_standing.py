"""How a server stands after failures, by a clock of the test's own."""

from __future__ import annotations

import pytest

from server.mcp_gateway.upstreams.standing import Standing, Trouble

BROKEN = Trouble("It broke.", "Look in /home/ann.")
LOGIN = Trouble("It answers 401.", wants_login=True)


def fail(
    standing: Standing, now: float, trouble: Trouble = BROKEN, lived: float = 0.1, was_ready: bool = False
) -> None:
    standing.fail(trouble, now, lived=lived, was_ready=was_ready, allowed=5, jitter=1.0)


def test_pauses_grow_from_failure_to_failure_and_the_fifth_in_a_row_waits_for_a_person() -> None:
    standing = Standing("s", enabled=True)
    for pause in (1.0, 2.0, 5.0, 15.0):
        fail(standing, 100.0)
        assert (standing.state, standing.retry_after(100.0)) == ("failed", pause)
        refusal = standing.refusal(100.0)
        assert refusal is not None and refusal.data["retry_after"] == pause
        assert standing.refusal(100.0 + pause) is None
    fail(standing, 100.0)
    refusal = standing.refusal(1e9)
    assert standing.state == "needs_attention" and standing.waits_for_a_person
    assert refusal is not None and "5 times in a row" in refusal.message and "retry_after" not in refusal.data


def test_whoever_only_uses_a_server_is_not_told_of_folders() -> None:
    standing = Standing("s", enabled=True)
    fail(standing, 0.0)
    refusal = standing.refusal(0.0)
    assert refusal is not None and "/home" not in refusal.message
    assert standing.trouble is not None and "/home/ann" in standing.trouble.text


def test_a_server_that_worked_for_long_is_used_again_at_once_and_its_failures_are_not_added_up() -> None:
    standing = Standing("s", enabled=True)
    for _ in range(20):
        fail(standing, 50.0, lived=3600.0, was_ready=True)
        assert (standing.state, standing.retry_after(50.0)) == ("failed", 0.0)


def test_a_server_that_starts_and_dies_at_once_is_left_alone_in_the_end() -> None:
    standing = Standing("s", enabled=True)
    for _ in range(5):
        fail(standing, 50.0, lived=1.0, was_ready=True)
    assert standing.state == "needs_attention"


def test_a_sign_in_is_wanted_at_the_first_401_and_nothing_is_tried_again() -> None:
    standing = Standing("s", enabled=True)
    fail(standing, 0.0, LOGIN)
    refusal = standing.refusal(1e9)
    assert standing.state == "needs_login"
    assert refusal is not None and "sign-in" in refusal.message and refusal.data["state"] == "needs_login"


@pytest.mark.parametrize("trouble", [BROKEN, LOGIN])
def test_stopping_ends_no_waiting_for_a_person_and_a_person_does(trouble: Trouble) -> None:
    standing = Standing("s", enabled=True)
    for _ in range(5):
        fail(standing, 0.0, trouble)
    waiting = standing.state
    standing.stop()
    assert standing.state == waiting
    standing.forget()
    assert (standing.state, standing.refusal(0.0), standing.trouble) == ("stopped", None, None)
    fail(standing, 0.0)
    assert standing.state == "failed", "and it counts from the beginning"


def test_ready_ends_the_trouble_and_stop_the_running() -> None:
    standing = Standing("s", enabled=True)
    fail(standing, 0.0)
    standing.start(installs=True)
    assert standing.state == "installing"
    standing.ready()
    assert (standing.state, standing.trouble) == ("ready", None)
    standing.stop()
    assert standing.state == "stopped"
    assert Standing("s", enabled=False).state == "disabled"
