"""Which port the server listens on: bound before anything else starts, the next free one if the default is taken."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from pathlib import Path

from server.errors import StartupError

TRIES = 20
# EADDRINUSE and EACCES, with their Windows numbers.
TAKEN = frozenset({errno.EADDRINUSE, errno.EACCES, 10048, 10013})


def bind(host: str, port: int) -> socket.socket:
    """A bound, not yet listening TCP socket. Port 0 means any. Raises OSError."""
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    # With protocol 0 asyncio leaves TCP_NODELAY off: 44 ms per request.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "nt":
            # There SO_REUSEADDR would let two servers share one port.
            bound.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_EXCLUSIVEADDRUSE"), 1)  # noqa: B009 - Windows only
        else:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.set_inheritable(False)
    except OSError:
        bound.close()
        raise
    return bound


def bind_asked(host: str, port: int, asked_by: str = "--port or GRIDBEAR_PORT") -> socket.socket:
    """Exactly this port, because a person asked for it. Raises StartupError when it can't be had.

    `asked_by`: what chooses the port, for the message.
    """
    try:
        return bind(host, port)
    except OSError as error:
        if error.errno in TAKEN:
            reason = "is in use" if error.errno != errno.EACCES else "needs more rights"
            raise StartupError(f"Port {port} on {host} {reason}: choose another with {asked_by}.") from error
        raise _no_address(host, error) from error


def bind_next_free(host: str, port: int, remembered: int | None = None) -> socket.socket:
    """`remembered` if it is free, else the first free one from `port` on, else any. Raises StartupError."""
    candidates = [*range(port, min(port + TRIES, 65536)), 0]
    if remembered is not None:
        candidates.insert(0, remembered)
    for candidate in candidates:
        try:
            return bind(host, candidate)
        except OSError as error:
            if error.errno not in TAKEN:
                raise _no_address(host, error) from error
    raise StartupError(f"No port is free on {host}: choose one with --port or GRIDBEAR_PORT.")


def _no_address(host: str, error: OSError) -> StartupError:
    return StartupError(
        f"{host} is no address of this computer ({error.strerror or error}): "
        "choose another with --host or GRIDBEAR_HOST."
    )


def remember_port(run: Path, port: int) -> None:
    """Keep the port for the next start, so that bookmarks live."""
    (run / "port").write_text(f"{port}\n", "ascii")


def remembered_port(run: Path) -> int | None:
    """The port of the last start, or None when there is none to trust."""
    with contextlib.suppress(OSError, ValueError):
        port = int((run / "port").read_text("ascii"))
        if 0 < port < 65536:
            return port
    return None
