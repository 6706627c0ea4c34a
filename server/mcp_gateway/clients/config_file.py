"""A foreign configuration file: read fresh, only our entry changed, a dated copy kept, replaced at once."""

from __future__ import annotations

import copy
import difflib
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from server.durable import sync_folder
from server.errors import Conflict, ValidationFailed
from server.mcp_gateway.clients import json_text, toml_text
from server.mcp_gateway.clients.known_clients import KnownClient

ENTRY = "gridbear"
TOKEN_PLACE = "gb_..."
"""What a preview shows of a token, made or not."""
_WAY = frozenset(
    ("type", "transport", "command", "args", "env", "cwd", "env_vars", "url", "httpUrl", "serverUrl", "headers",
     "http_headers", "env_http_headers", "bearer_token_env_var", "oauth", "disabled", "enabled")
)  # fmt: skip
"""How an entry is reached, and whether: ours to say. All else in it (approvals, time limits) is its person's."""
_OF_PROGRAMS = frozenset(("env", "cwd", "env_vars"))
"""Stays where the entry goes on starting a program; clients refuse it beside an address."""
_OWN_TOKEN = re.compile(r"gb_[A-Za-z0-9_-]{16,}")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Change:
    """What would be written where. `before` is None where there is no file yet."""

    path: Path
    before: bytes | None
    after: bytes

    @property
    def is_needed(self) -> bool:
        return self.after != (self.before or b"")

    def diff(self) -> str:
        """The change as people read it, without tokens of ours."""
        before, after = ((data or b"").decode("utf-8").splitlines() for data in (self.before, self.after))
        lines = difflib.unified_diff(before, after, str(self.path), str(self.path), lineterm="", n=2)
        return _OWN_TOKEN.sub(TOKEN_PLACE, "\n".join(lines))

    def write(self) -> Path | None:
        """Write it; returns the dated copy of what was there. Raises Conflict when the file changed meanwhile."""
        target = Path(os.path.realpath(self.path))
        if _read(target) != self.before:
            raise Conflict(f"{self.path} was changed at this moment; nothing was written. Try again.")
        try:
            if self.before is not None and not target.stat().st_mode & 0o222:
                # Replacing it would go round what somebody decided, perhaps against a client that wipes it.
                raise Conflict(f"{self.path} is read-only and was left alone. Allow writing, and try again.")
            kept = _kept_copy(target) if self.before is not None else None
            target.parent.mkdir(parents=True, exist_ok=True)
            number, draft = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
            try:
                with os.fdopen(number, "wb") as file:
                    file.write(self.after)
                    file.flush()
                    os.fsync(file.fileno())
                if self.before is not None:
                    _made_alike(Path(draft), target)
                os.replace(draft, target)
            finally:
                Path(draft).unlink(missing_ok=True)
            sync_folder(target.parent)
        except OSError as error:
            raise ValidationFailed(
                f"{self.path} can't be written ({error.strerror or error}).", code="foreign_file"
            ) from error
        return kept


def entry_of(client: KnownClient, path: Path) -> dict[str, Any] | None:
    """Our entry in the client's file. Raises ValidationFailed when the file is broken or can't be read."""
    text = _text(path, _read(path))[1]
    servers = _parsed(client, path, text).get(client.key)
    found = servers.get(ENTRY) if isinstance(servers, dict) else None
    return found if isinstance(found, dict) else None


def change_of(client: KnownClient, path: Path, entry: dict[str, Any] | None) -> Change:
    """The change that puts `entry` there, or with None takes ours away. Nothing else may differ afterwards."""
    before = _read(path)
    bom, text = _text(path, before)
    wanted = copy.deepcopy(_parsed(client, path, text))
    servers = wanted.setdefault(client.key, {}) if entry is not None else wanted.get(client.key, {})
    if not isinstance(servers, dict):
        raise ValidationFailed(f"{path}: {client.key} is no object. The file is left alone.", code="foreign_file")
    place = (client.key, ENTRY)
    if entry is None:
        if servers.pop(ENTRY, None) is None:
            return Change(path, before, before or b"")
        after = (
            toml_text.remove_table(text, place)
            if client.form == "toml"
            else json_text.remove_member(text, place, comments=client.comments)
        )
        if not servers and client.form == "toml":
            wanted.pop(client.key)
    else:
        entry = {**entry, **_kept(servers.get(ENTRY), entry)}
        if servers.get(ENTRY) == entry:
            return Change(path, before, before or b"")
        servers[ENTRY] = entry
        after = (
            toml_text.set_table(text, place, entry)
            if client.form == "toml"
            else json_text.set_member(text, place, entry, comments=client.comments)
        )
    try:
        is_wanted, data = _parsed(client, path, after) == wanted, after.encode("utf-8")
    except (ValidationFailed, UnicodeEncodeError):
        is_wanted, data = False, b""
    if not is_wanted:
        raise ValidationFailed(
            f"{path} has a form in which our entry can't be changed safely. Change it by hand.", code="foreign_file"
        )
    return Change(path, before, bom + data)


def _kept(former: Any, entry: dict[str, Any]) -> dict[str, Any]:
    """What its person has added to our entry."""
    if not isinstance(former, dict):
        return {}
    ours = _WAY - _OF_PROGRAMS if "command" in former and "command" in entry else _WAY
    return {name: value for name, value in former.items() if name not in ours and name not in entry}


def _parsed(client: KnownClient, path: Path, text: str) -> dict[str, Any]:
    try:
        if client.form == "toml":
            return toml_text.parse(text)
        found = json_text.loaded(text, comments=client.comments) if text.strip() else {}
    except ValidationFailed as error:
        raise ValidationFailed(f"{path} is broken and left alone: {error.message}", code=error.code) from None
    if not isinstance(found, dict):
        raise ValidationFailed(f"{path} holds no JSON object and is left alone.", code="foreign_file")
    return found


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ValidationFailed(f"{path} can't be read ({error.strerror or error}).", code="foreign_file") from error


def _text(path: Path, data: bytes | None) -> tuple[bytes, str]:
    data = data or b""
    bom = _BOM if data.startswith(_BOM) else b""
    try:
        return bom, data[len(bom) :].decode("utf-8")
    except UnicodeDecodeError:
        raise ValidationFailed(f"{path} is no UTF-8 text and is left alone.", code="foreign_file") from None


def _made_alike(draft: Path, target: Path) -> None:
    """Give `draft` the mode and, where an administrator writes for somebody else, the owner of `target`."""
    shutil.copymode(target, draft)
    there = target.stat()
    if os.name == "posix" and there.st_uid != os.geteuid():
        os.chown(draft, there.st_uid, there.st_gid)


def _kept_copy(path: Path) -> Path:
    # To the microsecond: an older copy is never written over.
    kept = path.with_name(f"{path.name}.gridbear-{datetime.now():%Y-%m-%d-%H%M%S-%f}.bak")
    shutil.copy2(path, kept)
    return kept
