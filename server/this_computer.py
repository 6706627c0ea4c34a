"""What the program must know of the computer it runs on: its names and addresses, and what came with the program."""

from __future__ import annotations

import ipaddress
import re
import socket
import sys
from functools import lru_cache
from pathlib import Path

EVERY_ADDRESS = frozenset(("0.0.0.0", "::", ""))
"""Hosts to listen on that mean all addresses of this computer."""


def resource_dir(name: str) -> Path:
    """A folder shipped with the program (`assets`, `plugins`), in the source tree and in a frozen bundle."""
    base = getattr(sys, "_MEIPASS", None)
    return Path(base) / name if base else Path(__file__).resolve().parent.parent / name


def is_bundle() -> bool:
    """Whether this is the built program, with its own Python in it, and not one from source."""
    return getattr(sys, "frozen", False) is True


def program() -> list[str]:
    """The command that runs this program again, frozen or from source."""
    return [sys.executable] if is_bundle() else [sys.executable, "-m", "gridbear_desktop"]


@lru_cache(256)  # asked at every request
def is_loopback_host(host: str) -> bool:
    """Whether `host` (name or address, no port) means this computer alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def in_url(host: str) -> str:
    """`host` as it stands in an address: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


def computer_name() -> str:
    """This computer's name without its domain, in lower case."""
    return socket.gethostname().lower().partition(".")[0]


def mdns_name() -> str:
    """The name that we announce in LAN mode. Not `NAME.local`, which is the system's own to announce."""
    return f"{re.sub(r'[^a-z0-9-]+', '-', computer_name()).strip('-') or 'computer'}-gridbear.local"


def lan_addresses(host: str = "::") -> list[str]:
    """Addresses of this computer that others may use for a server that listens on `host`, all of them; IPv4 first.

    Loopback and link-local ones are left out; `0.0.0.0` is all of IPv4.
    """
    # Only LAN mode needs it.
    import psutil

    found = []
    states = psutil.net_if_stats()
    for interface, addresses in psutil.net_if_addrs().items():
        if interface in states and not states[interface].isup:
            continue
        for one in addresses:
            if one.family in (socket.AF_INET, socket.AF_INET6):
                address = ipaddress.ip_address(one.address.partition("%")[0])
                reached = address.version == 4 or host != "0.0.0.0"
                if reached and not address.is_loopback and not address.is_link_local:
                    found.append(address)
    return [str(address) for address in sorted(found, key=lambda address: (address.version, not _is_likely(address)))]


def lan_names(host: str) -> set[str]:
    """Names and addresses, as in addresses, under which others may reach a server that listens on `host`."""
    if host not in EVERY_ADDRESS:
        return {in_url(host)}
    full = socket.gethostname().lower()
    return {full, f"{computer_name()}.local", mdns_name(), *map(in_url, lan_addresses(host))}


def _is_likely(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether this looks like the network of a home or an office, not like one among containers (172.16.0.0/12)."""
    return address.is_private and not (address.version == 4 and address in ipaddress.ip_network("172.16.0.0/12"))
