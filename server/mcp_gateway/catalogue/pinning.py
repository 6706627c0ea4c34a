"""Whether a command always starts the same version of a package."""

from __future__ import annotations

import re
from pathlib import PurePath

_NPM = re.compile(r"(@[\w.~-]+/)?[\w.~-]+@(?P<version>\d+\.\d+\.\d+(-[\w.-]+)?(\+[\w.-]+)?)")
_PYPI = re.compile(r"[\w.-]+(\[[\w.,-]+\])?(==|@)(?P<version>\d+(\.\d+)*([\w.+!-]*\w)?)")
_IMAGE = re.compile(r"[\w./:-]+@(?P<version>sha256:[0-9a-f]{64})")
_NODE = {"npx": (), "bunx": (), "pnpx": (), "npm": ("exec",), "pnpm": ("dlx",), "yarn": ("dlx",)}
_PYTHON = {"uvx": (), "uv": ("tool", "run"), "pipx": ("run",)}
_PACKAGE_OPTIONS = frozenset(("-p", "--package", "--from", "--spec"))
_SWITCHES = frozenset(("-y", "--yes", "-q", "--quiet", "--silent", "--offline", "--prefer-offline", "--isolated", "--"))


def pinned_version(command: str, args: tuple[str, ...]) -> str | None:
    """The exact version that the command names for the package it starts; None where it names none.

    A word that is not understood counts as none: what is not known to be pinned is not.
    """
    name = PurePath(command.replace("\\", "/")).name.removesuffix(".cmd").removesuffix(".exe")
    if name in ("docker", "podman"):
        images = [found for arg in args if (found := _IMAGE.fullmatch(arg))]
        return images[0]["version"] if len(images) == 1 and args[:1] == ("run",) else None
    for runners, exact in ((_NODE, _NPM), (_PYTHON, _PYPI)):
        if name in runners and args[: len(runners[name])] == runners[name]:
            packages = _packages(args[len(runners[name]) :])
            matches = [exact.fullmatch(package) for package in packages]
            versions = [match["version"] for match in matches if match]
            return ", ".join(versions) if versions and len(versions) == len(packages) else None
    return None


def _packages(args: tuple[str, ...]) -> list[str]:
    """What is fetched: the values of the options that name packages, else the first word."""
    named: list[str] = []
    words = iter(args)
    for word in words:
        option, given, value = word.partition("=")
        if option in _PACKAGE_OPTIONS:
            named.append(value if given else next(words, ""))
        elif word == "--with":
            next(words, "")
        elif word not in _SWITCHES:
            # Behind this word come the program's own arguments; an option that is not known is no package either.
            return named or [word]
    return named
