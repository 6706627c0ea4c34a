"""A plugin that runs: what it brought, and how all of that is taken away again."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from server.errors import GridBearError
from server.plugin_host.context import HostContext
from server.plugin_host.manifest import Manifest
from server.plugin_host.permissions import Permission
from server.plugin_host.watchdog import Watchdog


@dataclass(slots=True)
class LivePlugin:
    """One plugin that is in force."""

    id: str
    folder: Path
    manifest: Manifest
    context: HostContext
    models: tuple[str, ...]
    watchdog: Watchdog
    stack: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)
    """Contributions push here what ends them; it is unwound when the plugin is switched off or fails to start."""

    def watching(self) -> contextlib.AbstractContextManager[None]:
        """Inside runs code of the plugin, on the event loop."""
        return self.watchdog.watching()

    def need(self, permission: Permission, file: str) -> None:
        """Raise Failed unless the manifest asks for `permission`, which `file` takes for granted."""
        if permission not in self.manifest.permissions:
            raise Failed(f'{self.id}/{file}: it needs "permissions": ["{permission}"] in manifest.json')


Contribution = Callable[[LivePlugin], Awaitable[None]]
"""Takes one kind of thing that a plugin brings (routes, tools, hooks, ...) into the running server.

Runs the plugin's code only by `contained.in_thread`, pushes the way back onto `plugin.stack`, and raises what is wrong
with the plugin.
"""


class Failed(GridBearError):
    """A plugin failed. The message is for its author; `trace` says where, when its own code raised."""

    code = "plugin_failed"

    def __init__(self, message: str, trace: str | None = None) -> None:
        super().__init__(message)
        self.trace = trace


def failure_of(plugin_id: str, where: str, error: BaseException) -> Failed:
    """What `error` means for the author of the plugin; `where` is the file whose code ran."""
    if isinstance(error, Failed):
        return error
    if isinstance(error, GridBearError):
        named = error.message.startswith(f"{plugin_id}/")
        return Failed(error.message if named else f"{plugin_id}/{where}: {error.message}")
    trace = "".join(traceback.format_exception(error))
    return Failed(f"{plugin_id}/{where} raised {type(error).__name__}: {error}", trace)
