"""What to do about a program that ended, by the well-known things that programs say before they end."""

from __future__ import annotations

import re
from collections.abc import Iterable

from server.mcp_gateway.upstreams.child_process import STDOUT_NOISE

_OLD_SDK = (
    "It was written for an older version of the Python package mcp. With uvx, put --with and mcp<2 before the name of "
    "the program among the arguments; else install 'mcp<2' beside it."
)
_HINTS = tuple(
    (re.compile(pattern, re.IGNORECASE), advice)
    for pattern, advice in (
        (r"'(Fast)?(MCP)?Server' object has no attribute '(list|call|read|get|set|subscribe|request)", _OLD_SDK),
        (r"No module named 'mcp\.|cannot import name '\w+' from 'mcp[.']", _OLD_SDK),
        (r"npm (error|ERR!) code E404|No solution found when resolving tool dependencies|was not found in the package"
         r" registry", "No package has this name or version: mend the arguments."),
        (r"ENOTFOUND|EAI_AGAIN|getaddrinfo|dns error|Temporary failure in name resolution|ECONNREFUSED.*registry"
         r"|error sending request for url", "The package could not be fetched: is there a network connection?"),
        (r"Cannot connect to the Docker daemon|docker daemon is not running", "Start Docker."),
        (r"EBADENGINE|Unsupported engine|requires Node|Unexpected token '\?\?='", "It wants a newer Node.js."),
        (r"ENOSPC|No space left on device", "The disk is full."),
        (r"(api[_ -]?key|token|environment variable)\b.{0,60}\b(required|missing|not set|must be set|not provided)"
         r"|\b(missing|required|set the)\b.{0,40}\b(api[_ -]?key|token|environment variable)",
         "It misses something that belongs into its environment (env)."),
    )
)  # fmt: skip
_FETCHING = re.compile(
    r"npm (warn|http|notice)|Need to install the following packages|Downloading |Downloaded |Prepared \d|Resolved \d"
    r"|Installed \d+ packages|Updating |Building |Pulling from|Unable to find image|Pulling fs layer",
    re.IGNORECASE,
)


def hint(stderr: Iterable[str]) -> str:
    """One sentence of advice, or an empty text."""
    lines = list(stderr)
    for pattern, advice in _HINTS:
        if any(pattern.search(line) for line in lines):
            return advice
    if any(line.startswith(STDOUT_NOISE) for line in lines):
        return "It prints lines on stdout that are no MCP; they belong on stderr. Is it an MCP server for stdio?"
    return ""


def says_it_fetches(stderr: Iterable[str]) -> bool:
    """Whether the program tells of a package that is being fetched."""
    return any(_FETCHING.search(line) for line in stderr)
