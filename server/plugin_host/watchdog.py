"""Blame for plugins that hold up the event loop: who and where; out of an endless loop they are thrown."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

log = logging.getLogger(__name__)

SECONDS = 5.0
_PAUSE_SECONDS = 1.0

WhenBlocked = Callable[[str, str, str], None]
"""Told on the loop of plugin, place and stack, once the loop runs again."""


class LoopBlocked(Exception):
    """Raised inside a plugin's function that held up the whole server."""

    def __init__(self) -> None:
        super().__init__(f"held up the whole server for {SECONDS:g} s and was stopped; await, or work in a thread")


class Watchdog:
    """A thread that looks only while code of plugins is under way."""

    def __init__(self, folder_of: Callable[[], dict[str, Path]], when_blocked: WhenBlocked) -> None:
        self._folder_of = folder_of
        self._when_blocked = when_blocked
        self._under_way = 0
        self._some = threading.Event()
        self._ended = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_thread = 0
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Inside runs code of a plugin, on the event loop."""
        self._under_way += 1
        if self._thread is None:
            self._start()
        if not self._some.is_set():
            self._some.set()
        try:
            yield
        finally:
            self._under_way -= 1

    def close(self) -> None:
        """End the thread."""
        self._ended.set()
        self._some.set()
        if self._thread is not None:
            self._thread.join()

    def _start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._thread = threading.Thread(target=self._watch, name="gridbear-plugin-watchdog", daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        assert self._loop is not None
        while not self._ended.is_set():
            self._some.wait()
            if self._is_idle():
                self._some.clear()
                # One may have begun between the two lines above.
                if not self._is_idle():
                    self._some.set()
                continue
            turned = threading.Event()
            try:
                self._loop.call_soon_threadsafe(turned.set)
            except RuntimeError:
                return
            if not turned.wait(SECONDS) and not self._ended.is_set():
                self._blame()
                while not turned.wait(SECONDS) and not self._ended.is_set():
                    self._throw_out()
            self._ended.wait(_PAUSE_SECONDS)

    def _is_idle(self) -> bool:
        return self._under_way == 0

    def _blame(self) -> None:
        assert self._loop is not None
        stack = sys._current_frames().get(self._loop_thread)
        found = None if stack is None else self._of_plugin(stack)
        if stack is None or found is None:
            return
        plugin_id, where = found
        text = "".join(traceback.format_stack(stack)[-12:])
        log.error("plugin %s holds up the whole server at %s:\n%s", plugin_id, where, text)
        if not self._throw_out():
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._when_blocked, plugin_id, where, text)

    def _throw_out(self) -> bool:
        """Only out of a plugin's own lines: in the midst of ours something might stay half done."""
        frame = sys._current_frames().get(self._loop_thread)
        if frame is None or self._folder(frame) is None:
            return False
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._loop_thread), ctypes.py_object(LoopBlocked))
        return True

    def _of_plugin(self, stack: FrameType) -> tuple[str, str] | None:
        """The innermost line of a plugin in `stack`."""
        frame: FrameType | None = stack
        while frame is not None:
            if (plugin_id := self._folder(frame)) is not None:
                return plugin_id, f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
            frame = frame.f_back
        return None

    def _folder(self, frame: FrameType) -> str | None:
        file = Path(frame.f_code.co_filename)
        return next((name for name, folder in self._folder_of().items() if file.is_relative_to(folder)), None)
