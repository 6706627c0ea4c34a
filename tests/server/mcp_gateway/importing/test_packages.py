"""Exact versions: where they stand in a command line, and who tells them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from server.mcp_gateway.importing.names import server_name
from server.mcp_gateway.importing.packages import package_of
from server.mcp_gateway.importing.secret_values import is_secret
from server.mcp_gateway.importing.versions import Registries, fetched_version
from server.mcp_gateway.upstreams.programs import Programs

OPEN = {
    "npx -y pkg": "npx -y pkg@1.2.3",
    "npx pkg@latest --port 1": "npx pkg@1.2.3 --port 1",
    "/usr/bin/npx -y @scope/pkg@^1": "/usr/bin/npx -y @scope/pkg@1.2.3",
    "C:\\nodejs\\npx.cmd -y pkg": "C:\\nodejs\\npx.cmd -y pkg@1.2.3",
    "npx -y --package pkg bin": "npx -y --package pkg@1.2.3 bin",
    "npx --package=pkg bin": "npx --package=pkg@1.2.3 bin",
    "pnpm dlx pkg": "pnpm dlx pkg@1.2.3",
    "bunx pkg": "bunx pkg@1.2.3",
    "uvx pkg": "uvx pkg@1.2.3",
    "uvx pkg@latest /tmp": "uvx pkg@1.2.3 /tmp",
    "uvx --python 3.12 pkg[x]": "uvx --python 3.12 pkg[x]==1.2.3",
    "uvx --from pkg bin": "uvx --from pkg==1.2.3 bin",
    "uv tool run pkg": "uv tool run pkg@1.2.3",
}
EXACT = {
    "npx -y @scope/pkg@1.2.3-beta.1": "1.2.3-beta.1",
    "uvx pkg==2025.8.4": "2025.8.4",
    "uvx --from pkg==0.6.2 bin": "0.6.2",
    f"docker run -i image@sha256:{'0a' * 32}": f"sha256:{'0a' * 32}",
}
NOT_TO_PIN = (
    "npx -y github:someone/thing", "npx ./folder", "npx -y ../../etc", "npx -y @../x", "npx --registry http://x pkg",
    "uvx --from git+https://example.com/x bin", "docker run -i image:latest", "uvx --with-editable . pkg",
)  # fmt: skip


@pytest.mark.parametrize("line", OPEN)
def test_the_version_is_written_where_it_belongs(line: str) -> None:
    command, *args = line.split()
    package = package_of(command, tuple(args))
    assert package is not None and package.may_be_pinned
    assert " ".join((command, *package.pinned(tuple(args), "1.2.3"))) == OPEN[line]


@pytest.mark.parametrize("line", EXACT)
def test_an_exact_version_is_known_as_one(line: str) -> None:
    command, *args = line.split()
    package = package_of(command, tuple(args))
    assert package is not None and package.version == EXACT[line] and not package.may_be_pinned


@pytest.mark.parametrize("line", NOT_TO_PIN)
def test_what_has_no_version_to_write_stays_as_it_is_and_counts_as_open(line: str) -> None:
    command, *args = line.split()
    package = package_of(command, tuple(args))
    assert package is not None and package.version is None and not package.may_be_pinned


def test_other_programs_start_no_package() -> None:
    for line in ("node server.js", "python -m thing", "npm run start", "npx", "docker ps"):
        command, *args = line.split()
        assert package_of(command, tuple(args)) is None


def test_the_version_that_uvx_fetched_last_is_told(tmp_path: Path) -> None:
    package = package_of("uvx", ("My.Server",))
    assert package is not None
    assert fetched_version(package, tmp_path, {}) is None
    archives = tmp_path / ".cache" / "uv" / "archive-v0"
    for number, name in enumerate(("my_server-1.0.dist-info", "my_server-2.0.dist-info", "my_server_x-9.dist-info")):
        place = archives / str(number) / name
        place.mkdir(parents=True)
        os.utime(place, (number, number))
    assert fetched_version(package, tmp_path, {} if sys.platform != "win32" else {"UV_CACHE_DIR": str(archives.parent)})
    assert fetched_version(package, tmp_path, {"UV_CACHE_DIR": str(archives.parent)}) == "2.0"


@pytest.mark.anyio
@pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are shell scripts")
async def test_npm_and_uv_are_asked_once_for_each_package_and_believed_only_if_exact(tmp_path: Path) -> None:
    stand_ins = {
        "npm": f'echo "$2" >> {tmp_path}/asked; [ "$2" = good ] && echo \'"4.5.6"\' || echo \'"$(id)"\'',
        "uv": "read name; printf '%s==7.8\\n' \"$name\"",
    }
    for name, script in stand_ins.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    lines = (("npx", "good"), ("npx", "good"), ("npx", "bad"), ("uvx", "tool"), ("npx", "pinned@1.0.0"))
    packages = [package for package in (package_of(command, (word,)) for command, word in lines) if package]
    registries = Registries(Programs({"PATH": f"{tmp_path}:/usr/bin:/bin", "SHELL": "/bin/false"}))
    assert await registries.newest(packages) == {("npm", "good"): "4.5.6", ("pypi", "tool"): "7.8"}
    assert sorted((tmp_path / "asked").read_text().split()) == ["bad", "good"]


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("GITHUB_PERSONAL_ACCESS_TOKEN", "x", True), ("BRAVE_API_KEY", "x", True), ("OPENAI_KEY", "x", True),
        ("DB_PASS", "x", True), ("Authorization", "Bearer x", True), ("X-Api-Key", "x", True),
        ("DATABASE_URL", "postgres://u:p@h/db", True), ("ANYTHING", "sk-0123456789abcdefABCDEF", True),
        ("ANYTHING", "A1b2C3d4E5f6G7h8I9j0K1l2", True),
        ("DATABASE_URL", "postgres://h/db", False), ("LOG_LEVEL", "debug", False), ("USE_AUTH", "true", False),
        ("HOME_FOLDER", "/home/maja/some/long/path/1234567890", False), ("MAX_TOKENS", "4096", False),
        ("API_KEY", "", False), ("MODEL", "claude-sonnet", False),
    ],
)  # fmt: skip
def test_what_is_taken_for_a_secret(name: str, value: str, secret: bool) -> None:
    assert is_secret(name, value) is secret


def test_names_are_safe_and_free() -> None:
    assert server_name("a" * 60, {"a" * 32}) == "a" * 30 + "-2"
    assert server_name("../../etc/passwd", ()) == "etc-passwd"
    assert server_name("☃", ()) == "server"
