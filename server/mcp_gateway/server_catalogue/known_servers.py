"""The offered servers as `assets/known_servers.toml` has them."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from server.this_computer import resource_dir

FILE = "known_servers.toml"
Category = Literal["basics", "databases", "development", "files", "knowledge", "web", "work"]


class Argument(BaseModel):
    """A value that a person chooses and that the program gets as an argument."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    label: str
    help: str = ""
    kind: Literal["text", "path"] = Field("text", description="path: the whole path of a folder or file.")
    required: bool = True
    many: bool = Field(False, description="A list of values is possible.")
    flag: str = Field("", description="What stands before it, such as --repository.")


class Variable(BaseModel):
    """A variable of the program's environment, or a header where the server has an address."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    label: str
    help: str = ""
    required: bool = True
    secret: bool = Field(False, description="It is kept in the vault.")
    before: str = Field("", description="What stands before it in a header, such as Bearer.")


class KnownServer(BaseModel):
    """One offered server: a package with its exact version, or an address."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    label: str
    category: Category
    summary: str
    homepage: str
    registry: Literal["npm", "pypi"] | None = None
    package: str = ""
    version: str = ""
    installer_args: tuple[str, ...] = Field((), description="For npx or uvx itself, before the package.")
    args: tuple[str, ...] = Field((), description="Fixed arguments behind the package.")
    url: str = ""
    signs_in: bool = Field(False, description="A person signs in to it once it is added.")
    note: str = ""
    arguments: tuple[Argument, ...] = ()
    variables: tuple[Variable, ...] = ()

    @property
    def transport(self) -> Literal["stdio", "http"]:
        return "http" if self.url else "stdio"

    @property
    def program(self) -> str:
        """What must be on the computer."""
        return {"npm": "npx", "pypi": "uvx", None: ""}[self.registry]

    @property
    def words(self) -> tuple[str, ...]:
        """The program's arguments, without those that a person chooses."""
        if self.registry is None:
            return ()
        installer = (*(("-y",) if self.registry == "npm" else ()), *self.installer_args)
        return (*installer, f"{self.package}@{self.version}", *self.args)


@lru_cache(1)
def known_servers() -> dict[str, KnownServer]:
    """All of them by name, in the order of the file."""
    entries = tomllib.loads((resource_dir("assets") / FILE).read_text("utf-8"))["servers"]
    return {one.name: one for one in map(KnownServer.model_validate, entries)}
