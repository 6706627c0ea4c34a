"""Whose a URI is: by a template, or by the description of a tool."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from server.mcp_gateway.catalogue.tool import Tool

if TYPE_CHECKING:
    from mcp.shared.uri_template import UriTemplate


def fits(template: str, uri: str) -> bool:
    """Whether a URI can have come from a template (RFC 6570)."""
    parsed = _parsed(template)
    return parsed is not None and parsed.match(uri) is not None


def ui_resources(tools: Iterable[Tool]) -> Iterator[str]:
    """The pages of tools that bring one (MCP Apps): servers need not list them."""
    for tool in tools:
        meta = tool.raw.get("_meta")
        if not isinstance(meta, Mapping):
            continue
        page = meta.get("ui")
        for uri in (page.get("resourceUri") if isinstance(page, Mapping) else None, meta.get("ui/resourceUri")):
            if isinstance(uri, str):
                yield uri


@lru_cache(maxsize=1000)
def _parsed(template: str) -> UriTemplate | None:
    from mcp.shared.uri_template import InvalidUriTemplate, UriTemplate  # of the SDK, which who asks has loaded

    try:
        return UriTemplate.parse(template)
    except InvalidUriTemplate:
        return None
