"""A house with an MCP server in it: see shop_server.py."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from demo_data import sign_in
from people import PASSWORD
from server_process import RunningServer

SHOP = Path(__file__).with_name("shop_server.py")


@contextmanager
def shop_house(folder: Path, *more: dict[str, Any]) -> Iterator[RunningServer]:
    """A server with the admin maja, the member otto, the MCP server `notes` for both, and `more` for maja."""
    with RunningServer(folder / "data", {"HOME": str(folder)}) as server:
        server.create_user("maja", PASSWORD, admin=True)
        server.create_user("otto", PASSWORD)
        shop = {"name": "notes", "command": sys.executable, "args": [str(SHOP)], "visibility": "everyone"}
        with sign_in(server.url, "maja", PASSWORD) as client:
            for row in (shop, *more):
                assert client.post("/api/v1/mcp_servers", json={"transport": "stdio", **row}).status_code == 201
        yield server
