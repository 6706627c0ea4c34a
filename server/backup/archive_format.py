"""The archive: which members it may have, and its manifest. A person's whole data folder goes through this door."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from server.errors import ValidationFailed

FORMAT_VERSION = 1
MANIFEST = "manifest.json"
DATABASE = "database/gridbear.db"
KEY_RING = "secrets/key-ring.wrapped"
FILES = "files/"
PLUGINS = "plugins/"
RECORDS = "records/"
LINES_ENDING = ".jsonl"
"""Of a move file: the records of each model as JSON lines, for an engine that can't read the database."""
MANIFEST_MAX_BYTES = 256 << 20
MEMBERS_MAX = 1_000_000
PART_MAX_BYTES = 255
NAME_MAX_BYTES = 1024

# What some system takes for a separator, a drive, a stream or a device would leave the folder that it belongs to.
_BAD_IN_NAME = re.compile(r'[\x00-\x1f\x7f\\:*?"<>|]')

Kind = Literal["backup", "move"]


class BadArchive(ValidationFailed):
    """The file fails its checks: it is no backup, not whole, changed, or made to do harm. Nothing was changed."""

    code = "bad_backup"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Member(_Frozen):
    """One member: its name, its size in bytes before compression, its SHA-256 in hex."""

    name: str
    size: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Missing(_Frozen):
    """Something that could not be included, and why."""

    what: str
    why: str


class Manifest(_Frozen):
    """What an archive says of itself. Times are UTC, ISO 8601; counts are rows per model."""

    format: Literal["gridbear-backup"]
    format_version: int
    kind: Kind
    reason: str
    program_version: str
    schema_version: int
    made_at: str
    made_by: str
    counts: dict[str, int]
    secrets: Literal["included", "not included", "none"]
    key_ids: list[str] = []
    members: list[Member]
    not_included: list[Missing]


def parse_manifest(data: bytes) -> Manifest:
    """The manifest. Raises BadArchive when it can't be used, also when a newer program wrote it."""
    try:
        manifest = Manifest.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadArchive(f"The backup's manifest can't be read ({place}: {first['msg']}).") from None
    if manifest.format_version > FORMAT_VERSION:
        raise BadArchive(
            f"A newer GridBear made this backup (format {manifest.format_version}, this program knows "
            f"{FORMAT_VERSION}). Install the newer program to restore it.",
            code="newer_backup",
        )
    names = [member.name for member in manifest.members]
    if len(set(names)) != len(names) or DATABASE not in names:
        raise BadArchive("The backup's manifest has no database, or lists a member twice.")
    for name in names:
        if not is_member_name(name):
            raise BadArchive(f"The backup has a member with a name that is not allowed: {name[:200]!r}.")
    return manifest


def is_member_name(name: str) -> bool:
    """Whether `name` may be a member: one of the few known, or a plain path inside one of the folders."""
    if name in (DATABASE, KEY_RING):
        return True
    if not name.startswith((FILES, PLUGINS, RECORDS)) or len(name.encode("utf-8", "surrogatepass")) > NAME_MAX_BYTES:
        return False
    return is_plain_path(name.partition("/")[2])


def is_plain_path(path: str) -> bool:
    """Whether a relative path stays inside its folder on every system."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    parts = path.split("/")
    return (
        bool(path)
        and not _BAD_IN_NAME.search(path)
        and PurePosixPath(path).parts == tuple(parts)
        and all(
            part not in (".", "..") and not part.endswith((" ", ".")) and len(part.encode()) <= PART_MAX_BYTES
            for part in parts
        )
    )
