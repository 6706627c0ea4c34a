"""What a plugin began by itself and did not end: its asyncio tasks and threads are ended when it goes, or named."""

from __future__ import annotations

import asyncio
import ctypes
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from server.plugin_host.live import Failed

CANCEL_SECONDS = 2.0
THREAD_SECONDS = 1.0
_LOOK_SECONDS = 0.02


class LeftRunning(Failed):
    """Something of a plugin goes on though the plugin has ended."""

    code = "left_running"


async def end_leftovers(plugin_id: str, folder: Path) -> LeftRunning | None:
    """Cancel tasks and break off threads in whose midst is a file of `folder`. Returns what goes on in spite of that.

    A thread is broken off in the plugin's own lines alone; one that waits elsewhere goes on until it comes back there.
    """
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task() and _is_of(task, folder)]
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=CANCEL_SECONDS)
    threads = await _threads_after_breaking_off(folder)
    # A task that a thread or another task began meanwhile is not looked for again.
    left = [f"the task {task.get_name()}" for task in tasks if not task.done()]
    left += [f"the thread {name}" for name in threads]
    if not left:
        return None
    stacks = "\n".join(f"{name}:\n{stack}" for name, stack in threads.items())
    return LeftRunning(f"{plugin_id} has ended, but this of it goes on: {', '.join(left)}", stacks or None)


async def _threads_after_breaking_off(folder: Path) -> dict[str, str]:
    """The threads that go on, by name, each with its stack."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + THREAD_SECONDS
    thrown: set[int] = set()
    while threads := list(_threads(folder)):
        for thread, frame in threads:
            # Once: another exception in the midst of its `finally` would break that off, too.
            if thread.ident not in thrown and frame is not None and _inside(frame.f_code, folder):
                thrown.add(thread.ident or 0)
                _break_off(thread)
        if loop.time() >= deadline:
            return {it.name: "".join(traceback.format_stack(frame)[-12:]) for it, frame in threads}
        await asyncio.sleep(_LOOK_SECONDS)
    return {}


def _threads(folder: Path) -> Iterator[tuple[threading.Thread, FrameType | None]]:
    frames = sys._current_frames()
    for thread in threading.enumerate():
        frame = innermost = frames.get(thread.ident or 0)
        if thread is threading.current_thread() or thread is threading.main_thread():
            continue
        while frame is not None and not _inside(frame.f_code, folder):
            frame = frame.f_back
        if frame is not None or _inside(getattr(getattr(thread, "_target", None), "__code__", None), folder):
            yield thread, innermost


def _break_off(thread: threading.Thread) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(SystemExit))


def _is_of(task: asyncio.Task[Any], folder: Path) -> bool:
    """Whether the task runs a coroutine of the plugin, or one that waits for it."""
    awaited: Any = task.get_coro()
    while awaited is not None:
        if _inside(getattr(awaited, "cr_code", None) or getattr(awaited, "ag_code", None), folder):
            return True
        awaited = getattr(awaited, "cr_await", None)
    return False


def _inside(code: CodeType | None, folder: Path) -> bool:
    return code is not None and Path(code.co_filename).is_relative_to(folder)
