"""MCP servers that a plugin brings: one entry of `mcp_servers` in its manifest, and the record that it becomes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

SERVER_KEY = r"^[a-z0-9][a-z0-9-]{0,29}$"
MOST_NAME = 32
"""Characters of a server's name, the plugin's id included."""

Line = Annotated[str, Field(max_length=4000, pattern=r"^[^\r\n\x00]*$")]
_VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$"
_HEADER = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"
_REFERENCE = re.compile(r"\$\{secret:([^}]*)\}")
_SECRET = re.compile(r"[a-z][a-z0-9_]{0,39}")


class McpServerEntry(BaseModel):
    """A program that is started, or a server that is reached by its address."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    command: str = Field("", max_length=4000, description="The program; without it, `url`.")
    args: list[Line] = Field(default_factory=list, max_length=100, description="Given to the program, in this order.")
    env: dict[Annotated[str, Field(pattern=_VARIABLE)], Line] = Field(
        default_factory=dict,
        max_length=100,
        description="Variables for the program; ${secret:NAME} is the secret NAME of this plugin.",
    )
    cwd: str = Field(
        "", max_length=400, description="Where the program starts: a folder of the plugin; empty is the plugin's own."
    )
    url: str = Field("", max_length=4000, description="Address of a server: http or https.")
    transport: Literal["http", "sse"] = Field("http", description="How a server at `url` is spoken to.")
    headers: dict[Annotated[str, Field(pattern=_HEADER)], Line] = Field(
        default_factory=dict, max_length=100, description="Sent with every request to `url`; secrets as in `env`."
    )
    sign_in: Literal["shared", "each"] = Field(
        "shared", description="Where `url` wants one (OAuth): an admin's for everybody, or each person's own."
    )

    @model_validator(mode="after")
    def _fits_together(self) -> McpServerEntry:
        if bool(self.command) == bool(self.url):
            raise ValueError('either "command" or "url" is wanted')
        given = self.model_fields_set
        others = ("transport", "headers", "sign_in") if self.command else ("args", "env", "cwd")
        if wrong := [name for name in others if name in given]:
            raise ValueError(f'"{wrong[0]}" goes with "{"url" if self.command else "command"}"')
        if self.url:
            _check_url(self.url)
        _check_folder(self.cwd)
        for value in (self.command, self.url, *self.args):
            if "${secret:" in value:
                raise ValueError('secrets go into "env" or "headers": what stands elsewhere can be seen by others')
        for name in self.secrets:
            if not _SECRET.fullmatch(name):
                raise ValueError(f"{name!r} is no name of a secret: small letters, digits and _ are wanted")
        return self

    @property
    def secrets(self) -> list[str]:
        """The names of the secrets that it is given."""
        return [name for value in (*self.env.values(), *self.headers.values()) for name in _REFERENCE.findall(value)]

    @property
    def in_words(self) -> str:
        """What it does, for the person who is asked."""
        if self.url:
            return f"connects to {self.url}"
        given = [f"{name}={value}" for name, value in self.env.items()]
        where = f" in {self.cwd}" if self.cwd else ""
        return f"starts {shlex.join((*given, self.command, *self.args))}{where}"

    def values(self, folder: Path) -> dict[str, Any]:
        """The fields of its record that its plugin decides. `folder` is the plugin's."""
        return {
            "transport": self.transport if self.url else "stdio",
            "command": self.command or None,
            "args": list(self.args),
            "env": dict(self.env) or None,
            "cwd": None if self.url else str(folder / self.cwd if self.cwd else folder),
            "url": self.url or None,
            "headers": dict(self.headers) or None,
            "sign_in": self.sign_in,
        }


def server_name(plugin_id: str, key: str) -> str:
    """The name of a plugin's server: nobody else's begins so."""
    return f"{plugin_id}-{key}"


def in_words(plugin_id: str, servers: Mapping[str, McpServerEntry]) -> list[str]:
    """What each of a plugin's servers does, by its name."""
    return [f"{server_name(plugin_id, key)} {entry.in_words}" for key, entry in servers.items()]


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError(f"{url!r} is no address") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url!r} is no address that begins with http:// or https://")
    if parts.username is not None:
        raise ValueError('credentials go into "headers", which are never shown')


def _check_folder(cwd: str) -> None:
    if cwd and (cwd.startswith(("/", "\\")) or ":" in cwd or ".." in re.split(r"[/\\]", cwd)):
        raise ValueError(f'"cwd" is a folder of the plugin, such as server; found {cwd!r}')
