"""What a plugin's functions are marked with, so that the host finds them. The decorators change nothing else."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
EventVerb = Literal["create", "update", "delete", "import"]
_MARK = "__gridbear_mark__"


@dataclass(frozen=True, slots=True)
class ToolMark:
    """A tool of the MCP gateway."""

    name: str
    title: str | None
    description: str
    read_only: bool
    destructive: bool
    admins_only: bool


@dataclass(frozen=True, slots=True)
class EventMark:
    """Called after changes of records."""

    model: str
    verbs: frozenset[str]


@dataclass(frozen=True, slots=True)
class TaskMark:
    """A kind of background task."""

    name: str
    idempotent: bool
    attempts: int
    schedulable: str
    priority: int
    process: bool


@dataclass(frozen=True, slots=True)
class ScheduleMark:
    """A task that begins by itself."""

    name: str
    title: str
    cron: str | None
    every_seconds: int | None
    time_zone: str | None
    missed: Literal["run_once", "skip"]
    process: bool


@dataclass(frozen=True, slots=True)
class ResourceMark:
    """Lists the resources of the plugin, or reads one."""

    does: Literal["list", "read"]


@dataclass(frozen=True, slots=True)
class LifeMark:
    """Called when the plugin starts or ends."""

    when: Literal["startup", "shutdown"]


@dataclass(frozen=True, slots=True)
class ChannelMark:
    """The way of a channel to people."""

    reaches: str
    to_pattern: str


Mark = ResourceMark | ToolMark | EventMark | TaskMark | ScheduleMark | LifeMark | ChannelMark


def tool(
    *,
    name: str | None = None,
    title: str | None = None,
    read_only: bool = False,
    destructive: bool = False,
    admins_only: bool = False,
) -> Callable[[F], F]:
    """Offer an async function of `tools.py` to AI clients as `{plugin}__{name}`.

    Its docstring is what they read, its typed parameters are the schema; a parameter of the type `PluginContext` or
    `Actor` is given by the host. What it returns must be JSON; an error of `plugin_api` is told to the client.
    """

    def mark(function: F) -> F:
        text = (function.__doc__ or "").strip()
        return _marked(function, ToolMark(name or function.__name__, title, text, read_only, destructive, admins_only))

    return mark


def on(model: str, *verbs: EventVerb) -> Callable[[F], F]:
    """Call an async function of `hooks.py` after every committed change of `model` (`verbs`; none: any).

    Its parameters: the `RecordEvent`, and if wanted the `PluginContext`.
    """
    return lambda function: _marked(function, EventMark(model, frozenset(verbs)))


def task(
    *,
    name: str | None = None,
    idempotent: bool = False,
    attempts: int = 1,
    schedulable: str = "",
    priority: int = 0,
    process: bool = False,
) -> Callable[[F], F]:
    """Make an async function of `tasks.py` a kind of background task, started by `plugin.start_task(name, ...)`.

    With `idempotent` it may be begun again after a crash or a failure, `attempts` times in all. With `schedulable`,
    a sentence on what it does and the input that it wants, people may let schedules of their own run it. Of those
    that wait, the higher `priority` goes first. With `process` it runs in a process of its own: it may keep a
    processor busy without an await, and is ended when it is cancelled or takes too long.
    """

    def mark(function: F) -> F:
        own = name or function.__name__
        return _marked(function, TaskMark(own, idempotent, attempts, schedulable, priority, process))

    return mark


def schedule(
    *,
    cron: str | None = None,
    every_seconds: int | None = None,
    time_zone: str | None = None,
    missed: Literal["run_once", "skip"] = "run_once",
    name: str | None = None,
    title: str | None = None,
    process: bool = False,
) -> Callable[[F], F]:
    """Let an async function of `tasks.py` run by itself: by `cron` or `every_seconds`.

    It is a task without a person: its parameters may be the `PluginContext` and a `Report`. It shows as a record of
    `schedules`, where admins pause it or begin a run. `time_zone` (the computer's own) is for `cron`; `missed` says
    what happens after the computer was off; `process` is that of `task`.
    """

    def mark(function: F) -> F:
        own = name or function.__name__
        shown = title or own.replace("_", " ").capitalize()
        return _marked(function, ScheduleMark(own, shown, cron, every_seconds, time_zone, missed, process))

    return mark


def list_resources(function: F) -> F:
    """Let an async function of `resources.py` say which resources its `Actor` may know of: a list of `Resource`.

    It has 30 seconds; clients list often. What is not listed may be read all the same.
    """
    return _marked(function, ResourceMark("list"))


def read_resource(function: F) -> F:
    """Let an async function of `resources.py` read one: `path: str` is what follows `gridbear://{plugin}/`, decoded.

    It returns a `ResourceContent`, and raises NotFound for what is not there and for what its `Actor` may not see.
    The path is what a client wrote, and may be anything.
    """
    return _marked(function, ResourceMark("read"))


def channel(*, reaches: str, to_pattern: str = "") -> Callable[[F], F]:
    """Make an async function of `channel.py` the way in which a plugin of the type `channel` sends messages.

    Its parameters: `to` and `text`, and if wanted the `PluginContext`; what it returns (JSON) stays in the message's
    task. `reaches`, a sentence, tells whom it can reach and how `to` is written; with `to_pattern`, a regular
    expression, a `to` that it does not match as a whole is refused with that sentence. Raise `UpstreamFailed`,
    `RateLimited` or `Busy` where nothing was sent and a later attempt may go well (`retry_after`: seconds from now);
    any other error is the last word.
    """
    return lambda function: _marked(function, ChannelMark(reaches, to_pattern))


def on_startup(function: F) -> F:
    """Call an async function of `hooks.py` when the plugin has started. It may take 15 seconds."""
    return _marked(function, LifeMark("startup"))


def on_shutdown(function: F) -> F:
    """Call an async function of `hooks.py` before the plugin ends. It may take 5 seconds."""
    return _marked(function, LifeMark("shutdown"))


def marked(module: ModuleType, kinds: Collection[type[Mark]]) -> list[tuple[Callable[..., Any], Any]]:
    """The functions of a module with a mark of one of `kinds`, in the order of the file, each with its mark."""
    found = []
    for value in vars(module).values():
        mark = getattr(value, _MARK, None)
        if mark is not None and isinstance(mark, tuple(kinds)):
            found.append((value, mark))
    return found


def _marked(function: F, mark: Mark) -> F:
    setattr(function, _MARK, mark)
    return function
