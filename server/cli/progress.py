"""Progress bars of long commands: on the terminal's error output, and nothing at all where there is no terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Literal

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

_AMOUNTS: dict[str, Callable[[], ProgressColumn]] = {
    "bytes": DownloadColumn,
    "records": MofNCompleteColumn,
    "percent": TaskProgressColumn,
}
Unit = Literal["bytes", "records", "percent"]


@contextlib.contextmanager
def progress_bar(
    title: str, total: int, *, unit: Unit, then: str | None = None, hidden: bool = False
) -> Iterator[Callable[[int], None]]:
    """A bar. Gives the function that is told how much of `total` is done so far, from any thread.

    `then` becomes the title, and the bar goes to and fro, when everything was read and something is still to come.
    """
    console = Console(stderr=True)
    amount = _AMOUNTS[unit]()
    columns = (TextColumn("{task.description}"), BarColumn(), amount, TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=hidden or not console.is_terminal) as shown:
        task = shown.add_task(title, total=total)

        def told(done: int) -> None:
            if then is not None and done >= total:
                shown.update(task, description=then, total=None)
            else:
                shown.update(task, completed=done)

        yield told
