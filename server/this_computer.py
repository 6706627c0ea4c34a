"""What the program must know of the computer it runs on: its folders, and which addresses lead nowhere else."""

from __future__ import annotations

import ipaddress
import sys
from pathlib import Path

import platformdirs


def default_data_dir() -> Path:
    """The platform's folder for this program's data, e.g. `~/.local/share/gridbear-desktop` on Linux."""
    return Path(platformdirs.user_data_dir("gridbear-desktop", appauthor=False))


def resource_dir(name: str) -> Path:
    """A folder shipped with the program (`assets`, `plugins`), in the source tree and in a frozen bundle."""
    base = getattr(sys, "_MEIPASS", None)
    return Path(base) / name if base else Path(__file__).resolve().parent.parent / name


def is_loopback_host(host: str) -> bool:
    """Whether `host` (name or address, no port) means this computer alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
