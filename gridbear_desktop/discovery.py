"""mDNS: other computers of the network find the server by its name. Only in LAN mode."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator
from typing import Any

from server.config import Settings
from server.this_computer import EVERY_ADDRESS, computer_name, lan_addresses, mdns_name

END_SECONDS = 2.0

log = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def announced(settings: Settings) -> AsyncIterator[None]:
    """Announce the server inside. What fails is a warning in the log: it is reached by its address all the same."""
    if settings.is_loopback:
        yield
        return
    task = asyncio.create_task(_announce(settings))
    try:
        yield
    finally:
        task.cancel()
        # The farewell is worth no longer wait: the entries expire by themselves.
        await asyncio.wait((task,), timeout=END_SECONDS)


async def _announce(settings: Settings) -> None:
    try:
        from zeroconf.asyncio import AsyncZeroconf  # LAN mode alone needs it

        zeroconf = AsyncZeroconf(interfaces=_interfaces(settings))
        try:
            await (await zeroconf.async_register_service(service(settings), allow_name_change=True))
            await asyncio.Event().wait()
        finally:
            await zeroconf.async_close()
    except Exception as error:
        log.warning("other computers can't find the server by name (mDNS): %s", error or type(error).__name__)


def service(settings: Settings) -> Any:
    """What is announced: instance, address, port, path."""
    from zeroconf import ServiceInfo

    kind = f"_{settings.scheme}._tcp.local."
    return ServiceInfo(
        kind,
        f"GridBear on {computer_name()[:50]}.{kind}",
        port=settings.port,
        addresses=[socket.inet_aton(address) for address in _interfaces(settings)],
        server=f"{mdns_name()}.",
        properties={"path": f"{settings.base_path}/"},
    )


def _interfaces(settings: Settings) -> list[str]:
    addresses = lan_addresses(settings.host) if settings.host in EVERY_ADDRESS else [settings.host]
    return [address for address in addresses if ":" not in address]
