"""Where an address that somebody else chose really leads: public Internet, or a network that is nobody's business."""

from __future__ import annotations

import asyncio
import ipaddress
import socket

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_TEREDO = ipaddress.ip_network("2001::/32")
_OF_MACHINES = frozenset(map(ipaddress.ip_address, ("fd00:ec2::254", "192.0.0.192", "168.63.129.16")))
"""Where a cloud keeps its credentials, though it looks like a place in a private network or a public one."""


async def places_of(host: str, port: int) -> list[str]:
    """The IP addresses of `host`. Raises OSError or UnicodeError when there are none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def is_public(place: str) -> bool:
    """Whether an IP address is one of the public Internet, also where another is wrapped in it."""
    try:
        address = ipaddress.ip_address(place.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(str(address.ipv4_mapped))
        if address.sixtofour is not None or address in _TEREDO or address in _NAT64 or address.is_site_local:
            return False
    return address not in _OF_MACHINES and address.is_global and not address.is_multicast and not address.is_reserved


def is_in_a_network_of_people(place: str) -> bool:
    """Whether it is this computer or one of a private network, and none of those that only machines talk to."""
    try:
        address = ipaddress.ip_address(place.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return is_in_a_network_of_people(str(address.ipv4_mapped))
    if address.is_loopback:
        return True
    if address in _OF_MACHINES or (isinstance(address, ipaddress.IPv6Address) and address in _TEREDO):
        return False
    odd = address.is_link_local or address.is_multicast or address.is_unspecified or address.is_reserved
    return address.is_private and not odd
