"""One found server on its way to becoming a record: what would be stored, and what goes into the vault."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import unquote, urlsplit, urlunsplit

from server.mcp_gateway.importing.packages import Package, package_of, program_name
from server.mcp_gateway.importing.placeholders import OURS, Filler, Missing
from server.mcp_gateway.importing.reading import Entry
from server.mcp_gateway.importing.secret_values import is_secret, looks_secret_value, scheme_of
from server.mcp_gateway.importing.understanding import NotUsable, Understood, understood

ASKS_FOR_SECRET = "it asks for a secret of this GridBear by name; add such a server by hand"
_MARK = re.compile("\x00([^\x00]*)\x00")
_LOOPBACK = frozenset(("127.0.0.1", "localhost", "::1"))


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A secret to be made: `value` is None where only the person has it."""

    name: str
    variable: str
    value: str | None


def reference(secret: NewSecret) -> str:
    """How a server's environment and headers refer to it."""
    return f"{OURS}{secret.name}}}"


@dataclass(slots=True)
class Draft:
    """A server that may be made. `problem` says why it can't."""

    entry: Entry
    name: str = ""
    transport: str = ""
    command: str = ""
    args: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    cwd: str = ""
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    enabled: bool = True
    package: Package | None = None
    version_from: Literal["", "file", "cache", "registry"] = ""
    secrets: list[NewSecret] = field(default_factory=list)
    needs: list[Missing] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problem: str = ""
    same_as: str = ""
    is_own: bool = False

    @property
    def status(self) -> Literal["ready", "there", "own", "invalid"]:
        """ready, there (a server does the same already), own (it is GridBear itself) or invalid."""
        return "own" if self.is_own else "invalid" if self.problem else "there" if self.same_as else "ready"

    def values(self) -> dict[str, Any]:
        """The record."""
        row: dict[str, Any] = {"name": self.name, "transport": self.transport, "enabled": self.enabled}
        if self.transport == "stdio":
            row |= {"command": self.command, "args": list(self.args), "cwd": self.cwd or None}
            return row | ({"env": self.env} if self.env else {})
        return row | {"url": self.url} | ({"headers": self.headers} if self.headers else {})

    def pin(self, version: str, source: Literal["cache", "registry"]) -> None:
        """Write the exact version into the arguments."""
        assert self.package is not None
        self.args = self.package.pinned(self.args, version)
        self.package = replace(self.package, version=version)
        self.version_from = source


def identity(transport: str, command: str, args: tuple[str, ...], url: str) -> tuple[Any, ...]:
    """Equal for two servers that are started or reached the same, whatever their names and versions."""
    package = package_of(command, args)
    words = package.bare(args) if package is not None and package.name else args
    words = tuple(word for word in words if word not in ("-y", "--yes"))
    return (transport, program_name(command), words) if transport == "stdio" else ("url", url.rstrip("/"))


def drafted(entry: Entry, filler: Filler) -> Draft:
    """The server of an entry with all that is known filled in; its secrets are still in it (see `with_secrets`)."""
    draft = Draft(entry)
    try:
        found = understood(entry)
        _fill(draft, found, filler)
    except NotUsable as error:
        draft.problem = str(error.args[0])
    return draft


def _fill(draft: Draft, found: Understood, filler: Filler) -> None:
    texts = (found.command, *found.args, found.cwd, found.url, *found.env.values(), *found.headers.values())
    if any(OURS in text for text in texts):
        raise NotUsable(ASKS_FOR_SECRET)
    draft.transport, draft.enabled, draft.notes = found.transport, found.enabled, list(found.notes)
    draft.command = filler.filled(found.command)
    draft.args = tuple(filler.filled(word) for word in found.args)
    draft.cwd, draft.url = filler.filled(found.cwd), filler.filled(found.url)
    draft.env, draft.headers = dict(found.env), dict(found.headers)
    draft.needs = list(filler.missing)
    draft.is_own = _starts_gridbear(draft)
    if draft.needs:
        keys = ", ".join(sorted({one.key for one in draft.needs}))
        raise NotUsable(f"it needs values that are not in the file: {keys}")
    draft.package = package_of(draft.command, draft.args) if draft.transport == "stdio" else None
    if draft.package is not None and draft.package.version is not None:
        draft.version_from = "file"
    if draft.url:
        _without_credentials(draft)
    for place, word in enumerate(draft.args, 1):
        if looks_secret_value(word.partition("=")[2] if word.startswith("-") and "=" in word else word):
            draft.notes.append(f"Argument {place} looks like a secret, and arguments can be read by admins.")


def with_secrets(draft: Draft, filler: Filler, name: Callable[[str], str]) -> None:
    """Take what is secret out of environment and headers; `name(variable)` gives each a name in the vault.

    Raises NotUsable.
    """
    made: dict[str, NewSecret] = {}

    def marked(key: str, variable: str, value: str | None) -> str:
        if key not in made:
            made[key] = NewSecret(name(variable), variable, value)
        return f"\x00{key}\x00"

    def vaulted(variable: str, text: str) -> str:
        filled = filler.kept(text, lambda key, value: marked(key, key.partition(":")[2] or key, value))
        if OURS in filled:
            # Put together from pieces, `$${env:NOTHING:-}{secret:…}` would have passed.
            raise NotUsable(ASKS_FOR_SECRET)
        if "\x00" not in filled and is_secret(variable, filled):
            before, secret = scheme_of(filled)
            filled = before + marked(f"={variable}", variable, secret)
        # No text of a file has a NUL in it: these are ours.
        return _MARK.sub(lambda found: reference(made[found[1]]), filled)

    draft.env = {variable: vaulted(variable, text) for variable, text in draft.env.items()}
    draft.headers = {variable: vaulted(variable, text) for variable, text in draft.headers.items()}
    draft.secrets = list(made.values())


def _starts_gridbear(draft: Draft) -> bool:
    if draft.transport == "stdio":
        program = program_name(draft.command)
        return "mcp" in draft.args and (program == "gridbear" or "gridbear_desktop" in draft.args)
    try:
        address = urlsplit(draft.url)
        return draft.entry.name == "gridbear" and address.hostname in _LOOPBACK and "/mcp" in address.path
    except ValueError:
        return False


def _without_credentials(draft: Draft) -> None:
    """A name and password in an address become the header that they stand for."""
    try:
        parts = urlsplit(draft.url)
        username, password, query = parts.username, parts.password, parts.query
    except ValueError:
        raise NotUsable("its address is none") from None
    if username is not None:
        pair = f"{unquote(username)}:{unquote(password or '')}"
        draft.headers.setdefault("Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}")
        draft.url = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    if any(is_secret(*pair.partition("=")[::2]) for pair in query.split("&")):
        draft.notes.append("The address holds what looks like a secret, and addresses can be read by admins.")


def existing_identities(rows: list[Mapping[str, Any]]) -> dict[tuple[Any, ...], str]:
    """The name of each configured server by what it does."""
    return {
        identity(row["transport"], row.get("command") or "", tuple(row.get("args") or ()), row.get("url") or ""): str(
            row["name"]
        )
        for row in rows
    }
