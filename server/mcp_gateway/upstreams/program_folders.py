"""Folders in which programs lie that a login shell would find: version managers, package managers, plain installs."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path

_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")
_MOST_ALIASES = 5


def known_folders(home: Path, environ: Mapping[str, str]) -> list[Path]:
    """Folders that exist, the most likely first."""
    folders = _on_windows(home, environ) if sys.platform == "win32" else _elsewhere(home, environ)
    return [folder for folder in folders if folder.is_dir()]


def _elsewhere(home: Path, environ: Mapping[str, str]) -> list[Path]:
    data = Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    folders = [home / ".local" / "bin", home / "bin"]
    folders += _nvm(Path(environ.get("NVM_DIR") or home / ".nvm"))
    folders += [
        data / "mise" / "shims",
        home / ".asdf" / "shims",
        home / ".volta" / "bin",
        data / "fnm" / "aliases" / "default" / "bin",
        home / ".fnm" / "aliases" / "default" / "bin",
        home / "Library" / "Application Support" / "fnm" / "aliases" / "default" / "bin",
        Path(environ.get("PYENV_ROOT") or home / ".pyenv") / "shims",
        home / ".cargo" / "bin",
        home / ".bun" / "bin",
        home / ".deno" / "bin",
        data / "pnpm",
        home / "Library" / "pnpm",
        Path("/opt/homebrew/bin"),
        Path("/usr/local/bin"),
        Path("/home/linuxbrew/.linuxbrew/bin"),
        home / ".linuxbrew" / "bin",
        Path("/opt/local/bin"),
        home / ".nix-profile" / "bin",
        Path("/run/current-system/sw/bin"),
        home / ".docker" / "bin",
        Path("/Applications/Docker.app/Contents/Resources/bin"),
        home / ".orbstack" / "bin",
        home / ".rd" / "bin",
        Path("/snap/bin"),
        Path("/usr/bin"),
        Path("/bin"),
    ]
    return folders


def _on_windows(home: Path, environ: Mapping[str, str]) -> list[Path]:
    local = Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    roaming = Path(environ.get("APPDATA") or home / "AppData" / "Roaming")
    programs = Path(environ.get("PROGRAMFILES") or r"C:\Program Files")
    shared = Path(environ.get("PROGRAMDATA") or r"C:\ProgramData")
    folders = [home / ".local" / "bin", home / ".cargo" / "bin"]
    folders += [Path(environ[name]) for name in ("NVM_SYMLINK", "FNM_MULTISHELL_PATH") if environ.get(name)]
    folders += [
        programs / "nodejs",
        roaming / "npm",
        local / "Volta" / "bin",
        programs / "Volta",
        local / "mise" / "shims",
        roaming / "fnm" / "aliases" / "default",
        home / ".pyenv" / "pyenv-win" / "shims",
        local / "Microsoft" / "WinGet" / "Links",
        home / "scoop" / "shims",
        shared / "chocolatey" / "bin",
        home / ".bun" / "bin",
        home / ".deno" / "bin",
        local / "pnpm",
        programs / "Docker" / "Docker" / "resources" / "bin",
        local / "Programs" / "Python" / "Launcher",
        local / "Microsoft" / "WindowsApps",
    ]
    return folders


def _nvm(root: Path) -> list[Path]:
    """The folder of the version that nvm's `default` names, then of the others, the newest first."""
    found = [(tuple(map(int, match.groups())), path) for path in _children(root / "versions" / "node")
             if (match := _VERSION.fullmatch(path.name))]  # fmt: skip
    newest_first = [path for _, path in sorted(found, reverse=True)]
    wanted = _alias(root, "default")
    chosen = [path for path in newest_first if wanted and _is_version(path.name, wanted)]
    return [path / "bin" for path in dict.fromkeys(chosen + newest_first)]


def _alias(root: Path, name: str) -> str | None:
    for _ in range(_MOST_ALIASES):
        try:
            text = (root / "alias" / name).read_text("utf-8").strip()
        except (OSError, ValueError):
            return name
        if not text or ".." in Path(text).parts:
            return None
        name = text
    return None


def _is_version(version: str, wanted: str) -> bool:
    number, wanted = version.removeprefix("v"), wanted.removeprefix("v")
    return number == wanted or number.startswith(f"{wanted}.")


def _children(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []
