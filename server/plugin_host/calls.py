"""Calling functions of plugins: what the host gives them, and how long they may take."""

from __future__ import annotations

import asyncio
import inspect
import typing
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from server.access.actor import Actor
from server.plugin_api import PluginContext
from server.plugin_host.contained import contained_error, is_cancelled
from server.plugin_host.live import Failed


class Callee(Protocol):
    """The plugin whose function is called."""

    @property
    def id(self) -> str: ...

    @property
    def context(self) -> PluginContext: ...

    def watching(self) -> AbstractContextManager[None]:
        """Inside runs code of the plugin."""


class PluginCall:
    """One function of a plugin, looked at once."""

    def __init__(self, plugin: Callee, file: str, function: Callable[..., Any]) -> None:
        self.where = f"{file}:{getattr(function, '__name__', '?')}"
        self._function = function
        self._plugin = plugin
        if not inspect.iscoroutinefunction(function):
            raise Failed(f"{plugin.id}/{self.where}: an async function is wanted (async def)")
        try:
            self.hints = typing.get_type_hints(function, include_extras=True)
        except Exception as error:
            raise Failed(f"{plugin.id}/{self.where}: its types can't be read: {error}") from error
        signature = inspect.signature(function)
        self._given: dict[str, type] = {}
        self.parameters: dict[str, inspect.Parameter] = {}
        for name, parameter in signature.parameters.items():
            hint = self.hints.get(name)
            bare = typing.get_args(hint)[0] if typing.get_origin(hint) is typing.Annotated else hint
            if bare is PluginContext or bare is Actor:
                self._given[name] = bare
            else:
                self.parameters[name] = parameter

    async def __call__(
        self, given: Mapping[str, Any], *, actor: Actor | None = None, seconds: float | None = None
    ) -> Any:
        """What the function returns. Raises what it raises, TimeoutError after `seconds`; never what ends a program."""
        values = dict(given)
        for name, kind in self._given.items():
            values[name] = self._plugin.context if kind is PluginContext else actor
        try:
            with self._plugin.watching():
                async with asyncio.timeout(seconds):
                    return await self._function(**values)
        except BaseException as error:
            if isinstance(error, Exception) or is_cancelled(error):
                raise
            raise contained_error(error) from error
