"""Where an address that somebody else chose really leads: public Internet, or a network that is nobody's business."""

from __future__ import annotations

import asyncio
import ipaddress
import socket

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_TEREDO = ipaddress.ip_network("2001::/32")
_OF_MACHINES = frozenset(map(ipaddress.ip_address, ("fd00:ec2::254", "192.0.0.192", "168.63.129.16")))
"""Where a cloud keeps its credentials, though it looks like a place in a private network or a public one."""
# Listed here: what Python calls private or global differs from version to version, and newer ones call those private in
# which another address is wrapped.
_OF_PEOPLE = tuple(
    map(
        ipaddress.ip_network,
        # Of homes and offices (RFC 1918, RFC 4193), and what proxies on a computer answer for every name (RFC 2544).
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "198.18.0.0/15"),
    )
)
_OF_NOBODY = tuple(
    # Of protocols and examples (RFC 6890, RFC 8215, RFC 9637, RFC 9602).
    map(ipaddress.ip_network, ("192.0.0.0/24", "64:ff9b:1::/48", "3fff::/20", "5f00::/16"))
)


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
    if address in _OF_MACHINES or any(address in network for network in _OF_NOBODY):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def is_in_a_network_of_people(place: str) -> bool:
    """Whether it is this computer or one of a private network, and none of those that only machines talk to."""
    try:
        address = ipaddress.ip_address(place.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return is_in_a_network_of_people(str(address.ipv4_mapped))
    if address in _OF_MACHINES:
        return False
    return address.is_loopback or any(address in network for network in _OF_PEOPLE)
