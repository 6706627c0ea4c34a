"""Who needs whom: dependencies name a plugin by its id, or by what some plugin `provides`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from server.plugin_host.manifest import Manifest


class Named(Protocol):
    """A plugin, found or running."""

    @property
    def id(self) -> str: ...

    @property
    def manifest(self) -> Manifest | None: ...


def fills(plugin: Named, name: str) -> bool:
    """Whether `plugin` is what a dependency on `name` asks for."""
    return plugin.id == name or (plugin.manifest is not None and name in plugin.manifest.provides)


def missing(plugin: Named, there: Iterable[Named]) -> str | None:
    """The first required dependency of `plugin` that none of `there` fills."""
    if plugin.manifest is None:
        return None
    present = list(there)
    required = plugin.manifest.dependencies.required
    return next((name for name in required if not any(fills(other, name) for other in present)), None)


def dependants(running: Sequence[Named], plugin_id: str) -> list[str]:
    """The running plugins that can't run without `plugin_id`, directly or not, in the order of `running`."""
    ending = {plugin_id}
    for plugin in running:
        if plugin.id not in ending and missing(plugin, (it for it in running if it.id not in ending)) is not None:
            ending.add(plugin.id)
    return [plugin.id for plugin in running if plugin.id in ending and plugin.id != plugin_id]


def in_conflict(one: Named, other: Named) -> bool:
    """Whether the two can't be on together."""
    return any(
        a.manifest is not None and any(fills(b, name) for name in a.manifest.conflicts)
        for a, b in ((one, other), (other, one))
    )
