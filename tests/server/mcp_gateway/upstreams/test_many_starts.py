"""However often servers start and stop, nothing of them stays."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import psutil
import pytest
from tests_mcp_support import House

from server.mcp_gateway.failures import CallFailed
from server.mcp_gateway.upstreams.death_signal import dies_with_us
from server.mcp_gateway.upstreams.process_guardian import Guardian

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(sys.platform != "linux", reason="/proc")]
MakeHouse = Callable[..., AbstractAsyncContextManager[House]]
TINY = Path(__file__).parents[1] / "tiny_server.py"
WITH_A_CHILD = f"sleep 600 & exec {sys.executable} -I -S {TINY}"
DEAF = f"trap '' TERM; {sys.executable} -I -S {TINY}; while :; do sleep 600; done"


def descriptors() -> list[str]:
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink(f"/proc/self/fd/{name}").partition(":")[0])
        except OSError:
            continue
    return sorted(found)


@pytest.mark.parametrize(
    "rounds", [pytest.param(10, marks=pytest.mark.slow), pytest.param(334, marks=pytest.mark.soak)]
)
# Three servers a round: 30 starts, and in the campaign 1,000.
async def test_starts_and_stops_leave_no_process_and_no_descriptor_behind(make_house: MakeHouse, rounds: int) -> None:
    async with make_house(mcp_failures_allowed=1000) as house:
        servers = [await house.add("begets", command="sh", args=["-c", WITH_A_CHILD]),
                   await house.add("deaf", command="sh", args=["-c", DEAF]),
                   await house.add("dies", command="sh", args=["-c", "sleep 600 & exit 3"])]  # fmt: skip
        upstreams = [house.app.gateway.gateway._pool._shared[server] for server in servers]

        async def once() -> None:
            starts = (upstream.supervisor.session() for upstream in upstreams)
            begets, deaf, dies = await asyncio.gather(*starts, return_exceptions=True)
            assert not isinstance(begets, Exception) and not isinstance(deaf, Exception)
            assert isinstance(dies, CallFailed) and all(upstream.supervisor.child_pid for upstream in upstreams[:2])
            await asyncio.gather(*(upstream.stop() for upstream in upstreams))
            for upstream in upstreams:
                upstream.forget_failures()

        await once()
        tasks, before = len(asyncio.all_tasks()), descriptors()
        for _ in range(rounds):
            await once()
        assert len(asyncio.all_tasks()) <= tasks
        after = descriptors()
        assert len(after) <= len(before) + 2, [one for one in after if one not in before]
        left = [child for child in psutil.Process().children(recursive=True) if child.status() != psutil.STATUS_ZOMBIE]
        assert len(left) == 1, "the guardian alone"
        sleepers = [one for one in psutil.process_iter(["cmdline"]) if one.info["cmdline"] == ["sleep", "600"]]
        assert not [one for one in sleepers if one.ppid() in (1, os.getpid())], "grandchildren end with their parent"


@pytest.mark.parametrize("ended", [False, True])
def test_when_this_program_is_killed_all_groups_of_its_children_end_also_those_of_an_earlier_guardian(
    ended: bool,
) -> None:
    children = [subprocess.Popen(["sleep", "600"], start_new_session=True) for _ in range(3)]
    guardian = Guardian()
    try:
        guardian.watch(children[0].pid)
        process = guardian._process
        assert process is not None and process.stdin is not None
        if ended:
            process.kill()
            process.wait()
        guardian.watch(children[1].pid)
        guardian.watch(children[2].pid)
        guardian.forget(children[2].pid)
        process = guardian._process
        assert process is not None and process.stdin is not None
        process.stdin.close()  # as at the death of this program
        assert [child.wait(20) for child in children[:2]] == [-signal.SIGKILL] * 2
        process.wait()
        assert children[2].poll() is None, "what was forgotten is not ended: its number may be another's"
    finally:
        for child in children:
            child.kill()
            child.wait()


@pytest.mark.slow
@pytest.mark.skipif(not dies_with_us(), reason="no setpriv with --pdeathsig")
def test_a_child_ends_when_the_process_that_started_it_is_killed_even_without_its_guardian() -> None:
    prefix = list(dies_with_us())
    code = f"import subprocess, time; p = subprocess.Popen({[*prefix, 'sleep', '600']!r}); print(p.pid, flush=True); \
time.sleep(600)"
    parent = subprocess.Popen([sys.executable, "-I", "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    while child.name() != "sleep":  # until then it is setpriv, which has yet to ask for the signal
        time.sleep(0.01)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    psutil.wait_procs([child], timeout=20)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
