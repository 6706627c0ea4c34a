"""Which commands always start the same version."""

from __future__ import annotations

import pytest

from server.mcp_gateway.catalogue.pinning import pinned_version

DIGEST = "sha256:" + "a1" * 32


@pytest.mark.parametrize(
    ("line", "version"),
    [
        ("npx -y @modelcontextprotocol/server-memory@2026.8.31", "2026.8.31"),
        ("/usr/local/bin/npx.cmd server@1.0.0-rc.1 /home/me", "1.0.0-rc.1"),
        ("npx --package=one@1.2.3 -p two@2.0.0 -- tool", "1.2.3, 2.0.0"),
        ("npm exec thing@1.2.3", "1.2.3"),
        ("pnpm dlx thing@1.2.3", "1.2.3"),
        ("uvx mcp-server-time==2026.10.19 --local-timezone UTC", "2026.10.19"),
        ("uvx mcp-server-time@2026.10.19", "2026.10.19"),
        ("uvx --with mcp<2 mcp-server-sqlite==2025.4.25", "2025.4.25"),
        ("uvx --from pkg[cli]==1.0 tool", "1.0"),
        ("uv tool run pkg==1.0", "1.0"),
        ("pipx run --spec pkg==1.0 pkg", "1.0"),
        (f"docker run -i --rm mcp/fetch@{DIGEST}", DIGEST),
    ],
)
def test_an_exact_version_is_found(line: str, version: str) -> None:
    command, *args = line.split()
    assert pinned_version(command, tuple(args)) == version


@pytest.mark.parametrize(
    "line",
    [
        "npx -y @modelcontextprotocol/server-memory",
        "npx -y server@latest",
        "npx server@^1.2.3",
        "npx server@1",
        "npx --registry http://evil.example server@1.2.3",
        "npx -p one@1.2.3 -p two tool",
        "npx -c tool@1.2.3",
        "npx",
        "npm run thing@1.2.3",
        "uvx mcp-server-time",
        "uvx mcp-server-time>=1.0",
        "uvx mcp-server-time==1.*",
        "uvx --from git+https://example.org/x@1.0 tool==1.0",
        "uv run server.py",
        "docker run -i mcp/fetch:1.0",
        f"docker build mcp/fetch@{DIGEST}",
        f"docker run a/b@{DIGEST} c/d@{DIGEST}",
        "python server@1.2.3",
        "sh -c npx@1.2.3",
    ],
)
def test_all_else_is_no_exact_version(line: str) -> None:
    command, *args = line.split()
    assert pinned_version(command, tuple(args)) is None
