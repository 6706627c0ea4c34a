"""What `gridbear doctor` looks at beside the data: port, proxies, firewall, plugins, versions. Nothing is changed."""

from __future__ import annotations

import os
import platform
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

from server import __version__
from server.cli.doctor_checks import Finding
from server.cli.running import RunningServer, running_server
from server.config import Settings, mistyped_variables
from server.data_folder import DataFolder
from server.errors import GridBearError
from server.secrets.key_store import KeyStore
from server.this_computer import is_bundle, is_loopback_host, resource_dir

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
HERE = frozenset(("127.0.0.1", "localhost", "*"))


def computer_findings(settings: Settings) -> Iterator[Finding]:
    """Every finding. Values of variables are never told: a proxy's address may hold a password."""
    folder = DataFolder(settings.data_dir)
    server = running_server(folder) if folder.path.is_dir() else None
    yield _versions()
    yield _port(settings, server)
    yield _proxies()
    if mistyped := mistyped_variables(os.environ, (resource_dir("plugins"), folder.plugins)):
        yield Finding("variables", "attention", " ".join(mistyped))
    if server is not None:
        with suppress(GridBearError):
            if (firewall := _firewall(server)) is not None:
                yield firewall
    if folder.path.is_dir():
        yield _key_place(folder, settings)
        if (plugins := _plugins(folder)) is not None:
            yield plugins


def _versions() -> Finding:
    bundle = ", bundle" if is_bundle() else ""
    text = (
        f"GridBear {__version__}{bundle}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"{platform.system()} {platform.release()} on {platform.machine()}."
    )
    return Finding("versions", "ok", text)


def _port(settings: Settings, server: RunningServer | None) -> Finding:
    if server is not None:
        return Finding("port", "ok", f"{server.url} is the running GridBear's.")
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        if os.name == "posix":
            # A server that ended a moment ago holds nobody up.
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((settings.host, settings.port))
        except OSError as error:
            why = f"{settings.port} on {settings.host} can't be had ({error.strerror or error})"
            if "port" in settings.model_fields_set:
                return Finding("port", "trouble", f"{why}: end the other program, or choose with GRIDBEAR_PORT.")
            return Finding("port", "ok", f"{why}: GridBear takes the next free one and says which.")
    return Finding("port", "ok", f"{settings.port} on {settings.host} is free.")


def _proxies() -> Finding:
    names = [name for name in PROXIES if os.environ.get(name) or os.environ.get(name.lower())]
    if not names:
        return Finding("proxy", "ok", "none is set for programs of this session.")
    spared = os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or ""
    if HERE.intersection(part.strip() for part in spared.split(",")):
        return Finding("proxy", "ok", f"{', '.join(names)} is set, and leaves this computer out.")
    text = (
        f"{', '.join(names)} is set for this computer as well: programs may ask the proxy for GridBear, which can't "
        "reach it. Set NO_PROXY=127.0.0.1,localhost."
    )
    return Finding("proxy", "attention", text)


def _firewall(server: RunningServer) -> Finding | None:
    shared: dict[str, Any] = server.ask("/api/v1/server/lan")["data"]
    if not shared["on"] or is_loopback_host(shared["host"]):
        return None
    if shared["first_visitor_at"]:
        return Finding("firewall", "ok", "other computers have reached GridBear since its start.")
    step = " ".join(part for part in (shared["firewall"]["text"], shared["firewall"]["command"]) if part)
    return Finding("firewall", "attention", f"GridBear is shared, and nobody has come from elsewhere yet. {step}")


def _key_place(folder: DataFolder, settings: Settings) -> Finding:
    entry = KeyStore(folder.secrets, settings.key_store).keychain_entry()
    place = "the system's keychain" if entry else "a file of the data folder that only this account may read"
    return Finding("keychain", "ok", f"the key of the secrets lies in {place}.")


def _plugins(folder: DataFolder) -> Finding | None:
    if not folder.database.exists():
        return None
    # An older or damaged file may have no such table; the check of the database says what is wrong.
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{folder.database.as_uri()}?mode=ro", uri=True)) as database:
        found = database.execute("SELECT name, enabled, error FROM plugins ORDER BY name").fetchall()
        broken = [f"{name}: {error.strip().splitlines()[-1]}" for name, _, error in found if error]
        if broken:
            text = f"{'; '.join(broken)} `gridbear plugin check` says more."
            return Finding("plugins", "attention", text)
        return Finding(
            "plugins", "ok", f"{sum(bool(enabled) for _, enabled, _ in found)} switched on, none with an error."
        )
    return None
