"""A server with all that is relayed (rich_server.py), and clients on the wire that listen to it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import orjson
from tests_mcp_support import House
from tests_wire_support import LEGACY, META, MODERN, Stream, Wire, message

RICH = Path(__file__).with_name("rich_server.py")
PAIRS = [(client, upstream) for client in (MODERN, LEGACY) for upstream in (MODERN, LEGACY)]
ODD = {"x-ours": {"deep": [1, None, "ä"]}}


async def add(house: House, name: str, era: str = MODERN, **values: Any) -> int:
    """Configure one, for everybody unless told otherwise."""
    row = {"visibility": "everyone", "command": sys.executable, "args": [str(RICH), name, era]}
    return await house.add(name, **row | values)


async def result(wire: Wire, method: str, **params: Any) -> dict[str, Any]:
    """What is answered."""
    answer = message(await wire.ask(method, params))
    assert "result" in answer, answer
    found: dict[str, Any] = answer["result"]
    return found


async def refused(wire: Wire, method: str, **params: Any) -> dict[str, Any]:
    """The error that is answered."""
    error: dict[str, Any] = message(await wire.ask(method, params))["error"]
    return error


async def waits(wire: Wire, count: int) -> None:
    """Until so many calls of the tool wait are with the server."""
    while (await result(wire, "tools/call", name="rich__wait", arguments={}))["content"][0]["text"] != str(count):
        pass


def sending(
    house: House, wire: Wire, who: str, method: str, params: dict[str, Any], *, number: Any = 99, **capabilities: Any
) -> Stream:
    """A request whose messages are read as they come."""
    headers: dict[str, str] = {"mcp_protocol_version": wire.era}
    if wire.era == MODERN:
        meta = {f"{META}protocolVersion": MODERN, f"{META}clientCapabilities": capabilities, **params.pop("_meta", {})}
        params = {**params, "_meta": meta}
        headers["mcp_method"] = method
        if "name" in params:
            headers["mcp_name"] = params["name"]
    elif wire.session is not None:
        headers["mcp_session_id"] = wire.session
    body = orjson.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
    return Stream(house.app, house.tokens[who], "POST", wire.path, body, **headers)


def listening(house: House, wire: Wire, who: str, *uris: str) -> Stream:
    """The stream on which this client hears of changes, in either era."""
    if wire.era == LEGACY:
        assert wire.session is not None
        headers = {"mcp_protocol_version": LEGACY, "mcp_session_id": wire.session}
        return Stream(house.app, house.tokens[who], "GET", wire.path, **headers)
    wanted: dict[str, Any] = {f"{kind}ListChanged": True for kind in ("tools", "prompts", "resources")}
    if uris:
        wanted["resourceSubscriptions"] = list(uris)
    return sending(house, wire, who, "subscriptions/listen", {"notifications": wanted}, number="listen-1")
