"""Sharing the server with other computers: what is missing for it, switching it, and how others find it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from server import listening
from server.access.actor import SYSTEM
from server.asgi.visitors import Visitors
from server.auth.people import People
from server.certificates import fingerprint_of
from server.config import Settings, SettingsHolder, source_of
from server.data_folder import DataFolder
from server.errors import Conflict
from server.qr_code import qr_rows
from server.records.service import Records
from server.records.times import to_text
from server.this_computer import EVERY_ADDRESS, lan_addresses, lan_names, mdns_name

Encryption = Literal["off", "self-made"]
WATCH_SECONDS = 60.0
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing that must be done before others may come in: a stable code and what to do."""

    code: Literal["admin", "password", "set_elsewhere"]
    message: str


class Lan:
    """The switch for other computers. What it decides is in force after the server has started again."""

    def __init__(
        self,
        people: People,
        records: Records,
        settings: SettingsHolder,
        folder: DataFolder,
        host_given_by: str,
        restart: Callable[[], None],
    ) -> None:
        self._people = people
        self._records = records
        self.note = records.note
        self._settings = settings
        self._folder = folder
        self._host_given_by = host_given_by
        self._restart = restart
        self.visitors = Visitors()
        self.certificate_file = folder.certificate
        """What the server shows; not there without encryption."""

    async def state(self) -> dict[str, Any]:
        """What an admin sees of it; see `server.rest_api.lan_routes.LanShown` for the fields."""
        current = self._settings.current
        on = not current.is_loopback
        addresses = _addresses(current) if on else []
        first = self.visitors.first_at
        return {
            "on": on,
            "host": current.host,
            "port": current.port,
            "given_by": self._host_given_by or None,
            "encryption": current.tls,
            "fingerprint": self.fingerprint(),
            "address": addresses[0] if addresses else None,
            "addresses": addresses,
            "name": mdns_name() if on and current.host in EVERY_ADDRESS else None,
            "qr": qr_rows(addresses[0]) if addresses else None,
            "missing": [{"code": one.code, "message": one.message} for one in await self.missing()],
            "first_visitor_at": None if first is None else to_text(first),
            "firewall": _firewall(current.port),
        }

    def fingerprint(self) -> str | None:
        """SHA-256 of the certificate that the server shows; None without encryption."""
        if self._settings.current.tls == "off":
            return None
        with contextlib.suppress(OSError, ValueError):
            return fingerprint_of(self.certificate_file.read_text("ascii"))
        return None

    async def missing(self) -> list[Missing]:
        """What has to be done before it can be switched on."""
        found = []
        if self._host_given_by:
            found.append(Missing("set_elsewhere", f"Who can reach the server is set by the {self._host_given_by}"
                                 " (--host, GRIDBEAR_HOST): change it there."))  # fmt: skip
        if self._people.needs_setup:
            found.append(Missing("admin", "There is no admin yet: `gridbear user create NAME --admin` makes one."))
        if names := await self._without_password():
            found.append(Missing("password", f"{', '.join(names)}: no password is set. Set one with a reset link, or "
                                 "make the account inactive."))  # fmt: skip
        return found

    async def switch_on(self, encryption: Encryption) -> str:
        """Let other computers in. Returns the server's address on this computer afterwards; raises Conflict."""
        if missing := await self.missing():
            raise Conflict(" ".join(one.message for one in missing), code="lan_not_ready")
        if _tls_is_given() and (encryption == "off") != (self._settings.current.tls == "off"):
            raise Conflict(
                "Encryption is set by the environment (GRIDBEAR_TLS): change it there.", code="lan_not_ready"
            )
        return self._choose({"host": listening.LAN_HOST, "tls": encryption})

    def switch_off(self) -> str:
        """Be there for this computer alone again. Returns the server's address afterwards; raises Conflict."""
        if self._host_given_by:
            raise Conflict(
                f"Who can reach the server is set by the {self._host_given_by} (--host, GRIDBEAR_HOST): "
                "change it there.",
                code="lan_not_ready",
            )
        return self._choose({})

    async def watch(self) -> None:
        """Follow the addresses of this computer, for ever: under a new one the server answers within a minute."""
        known: set[str] | None = None
        while True:
            current = self._settings.current
            if current.host in EVERY_ADDRESS:
                names = await asyncio.to_thread(lan_names, current.host)
                if known is not None and names != known:
                    self._settings.publish(current)
                known = names
            await asyncio.sleep(WATCH_SECONDS)

    def _choose(self, choice: dict[str, str]) -> str:
        listening.choose(self._folder.run, choice)
        current = self._settings.current
        after = current.model_copy(update={"host": "127.0.0.1", "tls": "off", **choice})
        if _tls_is_given():
            after = after.model_copy(update={"tls": current.tls})
        if (after.host, after.tls) != (current.host, current.tls):
            self._restart()
        return after.address

    async def _without_password(self) -> list[str]:
        names: list[str] = []
        last = 0
        while page := await self._records.find(SYSTEM, "users", where={"is_active": True, "id__gt": last}, limit=_PAGE):
            last = page[-1]["id"]
            names += [
                person["username"]
                for person in page
                if (await self._records.reveal(SYSTEM, "users", person["id"]))["password"] is None
            ]
        return names


def _tls_is_given() -> bool:
    return source_of("tls", {}, os.environ, {}) == "environment"


def _addresses(settings: Settings) -> list[str]:
    if settings.host not in EVERY_ADDRESS:
        return [settings.address_at(settings.host)]
    return [settings.address_at(host) for host in [*lan_addresses(settings.host), mdns_name()]]


def _firewall(port: int) -> dict[str, str | None]:
    """The step that opens the port in this system's own firewall, for private networks only."""
    system = platform.system()
    if system == "Windows":
        return {
            "text": "Run this in PowerShell as administrator, and check that the network counts as private.",
            "command": f"New-NetFirewallRule -DisplayName GridBear -Direction Inbound -Protocol TCP "
            f"-LocalPort {port} -Action Allow -Profile Private",
        }
    if system == "Darwin":
        return {
            "text": "In System Settings, Network, Firewall, Options: allow incoming connections for GridBear.",
            "command": None,
        }
    if shutil.which("firewall-cmd"):
        return {
            "text": "Run this in a terminal; it opens the port in the zone home, to which your network must belong.",
            "command": f"sudo firewall-cmd --permanent --zone=home --add-port={port}/tcp && sudo firewall-cmd --reload",
        }
    return {
        "text": "If a firewall runs here, open the port for your own network. With ufw:",
        "command": f"sudo ufw allow from {_network()} to any port {port} proto tcp",
    }


def _network() -> str:
    first = next((address for address in lan_addresses() if ":" not in address), None)
    return f"{first.rpartition('.')[0]}.0/24" if first else "192.168.0.0/16"
