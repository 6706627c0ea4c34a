"""Packages that installers such as npx and uvx start by name, and how their exact version is written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PureWindowsPath
from typing import Literal

_NPM_NAME = re.compile(r"(?:@[a-z0-9][a-z0-9._~-]*/)?[a-z0-9][a-z0-9._~-]*", re.IGNORECASE)
_PYPI_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_PYPI_SPEC = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?P<extras>\[[A-Za-z0-9._,\s-]*\])?(?:(?P<by>==|@)(?P<version>.+))?")
EXACT_NPM = re.compile(r"\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?")
EXACT_PYPI = re.compile(r"\d+(?:\.\d+)*(?:[._-]?(?:a|b|rc|post|dev)\d+)*(?:\+[0-9A-Za-z.]+)?")
_NPX_ALONE = frozenset(("-y", "--yes", "-q", "--quiet", "--prefer-offline", "--prefer-online", "--no-install", "--"))
_UVX_ALONE = frozenset(("-q", "--quiet", "--isolated", "--offline", "--no-cache", "--refresh", "--native-tls"))
_UVX_VALUED = frozenset(("--python", "-p", "--with", "--index-url", "--index", "--default-index", "--extra-index-url"))


@dataclass(frozen=True, slots=True)
class Package:
    """A package in a command line. `version` is None unless it is exact; `place` is its place in the arguments."""

    registry: Literal["npm", "pypi", "image"]
    name: str
    version: str | None
    place: int
    before: str = ""
    after: str = ""
    """What stands around the version where it is written in."""

    @property
    def may_be_pinned(self) -> bool:
        return self.version is None and bool(self.before)

    def pinned(self, args: tuple[str, ...], version: str) -> tuple[str, ...]:
        """The arguments with the exact version in them."""
        return (*args[: self.place], f"{self.before}{version}{self.after}", *args[self.place + 1 :])

    def bare(self, args: tuple[str, ...]) -> tuple[str, ...]:
        """The arguments with the package's name alone, to tell whether two lines start the same."""
        return (*args[: self.place], self.name, *args[self.place + 1 :])


def program_name(command: str) -> str:
    """`npx` of `C:\\…\\npx.cmd` and `/usr/bin/npx`."""
    return PureWindowsPath(command).name.lower().removesuffix(".cmd").removesuffix(".exe")


def package_of(command: str, args: tuple[str, ...]) -> Package | None:
    """The package that a command line installs and starts; None where it starts no package."""
    name = program_name(command)
    if name in ("npx", "pnpx", "bunx"):
        return _npm(args, 0)
    if (name, args[:1]) in (("npm", ("exec",)), ("pnpm", ("dlx",)), ("yarn", ("dlx",)), ("bun", ("x",))):
        return _npm(args, 1)
    if name == "uvx":
        return _pypi(args, 0)
    if name == "uv" and args[:2] == ("tool", "run"):
        return _pypi(args, 2)
    if name in ("docker", "podman") and args[:1] == ("run",):
        return _image(args)
    return None


def _npm(args: tuple[str, ...], place: int) -> Package | None:
    while place < len(args):
        word = args[place]
        if word in ("-p", "--package"):
            return _npm_spec(args, place + 1, "") if place + 1 < len(args) else None
        if word.startswith("--package="):
            return _npm_spec(args, place, "--package=")
        if word.startswith("-") and word not in _NPX_ALONE and "=" not in word:
            return Package("npm", "", None, place)
        if not word.startswith("-"):
            return _npm_spec(args, place, "")
        place += 1
    return None


def _npm_spec(args: tuple[str, ...], place: int, before: str) -> Package:
    spec = args[place].removeprefix(before)
    at = spec.find("@", 1)
    name, version = (spec, "") if at < 0 else (spec[:at], spec[at + 1 :])
    if _NPM_NAME.fullmatch(name) is None:
        # A folder, an archive or a repository: there is no version to write.
        return Package("npm", spec, None, place)
    exact = version if EXACT_NPM.fullmatch(version) else None
    return Package("npm", name, exact, place, f"{before}{name}@")


def _pypi(args: tuple[str, ...], place: int) -> Package | None:
    while place < len(args):
        word = args[place]
        if word == "--from":
            return _pypi_spec(args, place + 1, "==") if place + 1 < len(args) else None
        if word.startswith("--from="):
            return Package("pypi", word.removeprefix("--from="), None, place)
        if word in _UVX_VALUED:
            place += 2
            continue
        if word.startswith("-") and word not in _UVX_ALONE and "=" not in word:
            return Package("pypi", "", None, place)
        if not word.startswith("-"):
            return _pypi_spec(args, place, "@")
        place += 1
    return None


def _pypi_spec(args: tuple[str, ...], place: int, by: str) -> Package:
    found = _PYPI_SPEC.fullmatch(args[place])
    if found is None or _PYPI_NAME.fullmatch(found["name"]) is None:
        return Package("pypi", args[place], None, place)
    extras, version = found["extras"] or "", found["version"] or ""
    exact = version if EXACT_PYPI.fullmatch(version) else None
    return Package("pypi", found["name"], exact, place, f"{found['name']}{extras}{'==' if extras else by}")


def _image(args: tuple[str, ...]) -> Package:
    """Which word is the image depends on docker's many options: only a digest anywhere counts as exact."""
    for place, word in enumerate(args):
        name, at, digest = word.partition("@sha256:")
        if at and re.fullmatch(r"[0-9a-f]{64}", digest):
            return Package("image", name, f"sha256:{digest}", place)
    return Package("image", "", None, 0)
