"""What GridBear has left in other places than the program's: each thing with the act that takes it away."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from server.cli.client_tokens import end_token
from server.cli.user_unit import UserUnit
from server.data_folder import DataFolder
from server.data_location import MOVED_TO, default_data_dir, followed
from server.data_move import former_places, place_facts
from server.errors import GridBearError, StartupError, ValidationFailed
from server.mcp_gateway.clients.config_file import entry_of
from server.mcp_gateway.clients.connections import Connections, path_of
from server.mcp_gateway.clients.known_clients import CLIENTS
from server.secrets.key_store import KeyStore
from server.secrets.keychain import KeychainFailed

Kind = Literal["client", "keychain", "former folder", "service", "start at login", "data"]


@dataclass(frozen=True, slots=True)
class Leftover:
    """One thing. `remove` raises GridBearError; what it returns is told to the person."""

    kind: Kind
    what: str
    path: str
    remove: Callable[[], str]


def service_unit(folder: DataFolder) -> Iterator[Leftover]:
    """The systemd unit that we wrote for this data folder. It comes first: it would start the server again."""
    try:
        unit = UserUnit()
    except StartupError:
        return
    if not unit.is_ours or followed(Path(unit.state().data_dir or default_data_dir())) != folder.path:
        return

    def remove() -> str:
        unit.remove()
        for empty in (unit.path.parent / "default.target.wants", unit.path.parent, unit.path.parent.parent):
            with contextlib.suppress(OSError):
                empty.rmdir()
        return ""

    yield Leftover("service", "the systemd unit", str(unit.path), remove)


def client_entries(folder: DataFolder) -> Iterator[Leftover]:
    """Our entries in the files of AI clients, as far as they lead to this data folder."""
    connections = Connections(folder.path)
    for known in CLIENTS.values():
        path = path_of(known)
        try:
            entry = entry_of(known, path)
        except ValidationFailed as error:
            if not _names_us(path):
                continue
            yield Leftover("client", f"{known.label}: {error.message}", str(path), _by_hand(str(path)))
            continue
        if entry is None or not (_leads_to(entry, folder.path) or connections.token_of(known.id) is not None):
            continue

        def remove(client: str = known.id) -> str:
            token = connections.token_of(client)
            kept = connections.apply(client, remove=True)["copy"]
            if token is not None:
                end_token(folder.path, token)
            return f"{kept} is as it was before" if kept else ""

        yield Leftover("client", f"our entry in the file of {known.label}", str(path), remove)


def keychain_entry(folder: DataFolder, *, data_stay: bool) -> Iterator[Leftover]:
    """The key in the computer's keychain. Where the data stay, it goes into a private file among them."""
    store = KeyStore(folder.secrets, "file")
    entry = store.keychain_entry()
    if entry is None:
        return

    def remove() -> str:
        said = ""
        if data_stay:
            with folder.lock():
                ring = store.load()
                assert ring is not None, "an entry is named by a ring"
                store.save(ring, anew=True)
            said = f"the key is in {store.path} now, for the data that stay"
        try:
            store.remove_keychain_entry(entry)
        except KeychainFailed as error:
            raise GridBearError(f"The keychain can't be used ({error}). Remove its entry “{entry}” there.") from error
        return said

    yield Leftover("keychain", f"the entry “{entry}” of this computer's keychain", "", remove)


def former_folders(folder: DataFolder) -> Iterator[Leftover]:
    """Places that the data lay in before, with the note that leads on and what may still be beside it."""
    for place in former_places(folder.path):
        if not (place / MOVED_TO).exists() or followed(place) != folder.path:
            continue
        yield Leftover("former folder", "what a move left behind", str(place), _rmtree(place))


def data(folder: DataFolder) -> Iterator[Leftover]:
    """The data themselves."""
    if folder.path.is_dir():
        size = place_facts(folder.path)["bytes"] / (1 << 20)
        yield Leftover("data", f"all data and backups, {size:,.1f} MB", str(folder.path), _rmtree(folder.path))


def _leads_to(entry: dict[str, object], data_dir: Path) -> bool:
    words = entry.get("args")
    if not isinstance(words, list) or "--data-dir" not in words[:-1]:
        return False
    return followed(Path(str(words[words.index("--data-dir") + 1]))) == data_dir


def _names_us(path: Path) -> bool:
    try:
        text = path.read_bytes()
    except OSError:
        return False
    return b'"gridbear"' in text or b"[mcp_servers.gridbear" in text


def _rmtree(path: Path) -> Callable[[], str]:
    def remove() -> str:
        try:
            shutil.rmtree(path)
        except OSError as error:
            raise GridBearError(
                f"{error.filename or path} can't be removed ({error.strerror or error}). Remove {path} by hand."
            ) from error
        return ""

    return remove


def _by_hand(path: str) -> Callable[[], str]:
    def remove() -> str:
        raise GridBearError(f"{path} is broken and left alone. If our entry “gridbear” is in it, take it out by hand.")

    return remove
