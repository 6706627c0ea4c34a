"""Whether a plugin may be on: what a person said yes to, and who else is on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from server.errors import Conflict
from server.plugin_host.consent import newly_asked
from server.plugin_host.discover import FoundPlugin
from server.plugin_host.needs import Named, in_conflict, missing


def check_switch_on(plugin: FoundPlugin, permissions: Sequence[str], live: Iterable[Named]) -> None:
    """Raise Conflict unless a person may switch it on now, with `permissions` said yes to."""
    if plugin.manifest is None or plugin.error is not None:
        raise Conflict(f"The plugin {plugin.id} can't be used: {plugin.error}", code="plugin_broken")
    running = list(live)
    if (other := missing(plugin, running)) is not None:
        raise Conflict(f"The plugin {plugin.id} needs the plugin {other}; enable that first.", code="plugin_conflict")
    _check_conflicts(plugin, running)
    wanted = sorted(plugin.manifest.permissions)
    if sorted(permissions) != wanted:
        text = ", ".join(wanted) or "none"
        raise Conflict(
            f"The plugin {plugin.id} asks for these permissions: {text}. Say yes to exactly these: "
            '{"permissions": [...]}.',
            code="permissions_to_confirm",
        )


def check_start(plugin: FoundPlugin, row: Mapping[str, Any] | None, live: Iterable[Named]) -> None:
    """Raise Conflict unless it may start as its files are now. `row` is what was said yes to; None: just now."""
    if plugin.manifest is None or plugin.error is not None:
        raise Conflict(plugin.error or "it has no manifest")
    running = list(live)
    if (other := missing(plugin, running)) is not None:
        raise Conflict(f"needs the plugin {other!r}, which is not running")
    _check_conflicts(plugin, running)
    if row is None or row["bundled"]:
        return
    # Files may change at any time; what a person said yes to may not.
    more = newly_asked(plugin.id, plugin.manifest, row)
    if more:
        raise Conflict(f"it asks for more than was said yes to: {', '.join(more)}; enable it again")


def _check_conflicts(plugin: FoundPlugin, live: Iterable[Named]) -> None:
    for other in live:
        if other.id != plugin.id and in_conflict(plugin, other):
            raise Conflict(
                f"The plugins {plugin.id} and {other.id} can't be on together; disable one of them.",
                code="plugin_conflict",
            )
