"""Why a server could not be reached, in words for a person. Imports the SDK: only when a server is first used."""

from __future__ import annotations

import asyncio
from typing import cast

import httpx2
import mcp_types as types
from mcp.shared.exceptions import MCPError

from server.errors import GridBearError


def describe(error: BaseException) -> str:
    """One sentence for a person about why a server could not be reached."""
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = cast(BaseException, error.exceptions[0])
    if isinstance(error, FileNotFoundError):
        return f"The command was not found: {error.filename or error}."
    if isinstance(error, PermissionError):
        return f"The command may not be run: {error.filename or error}."
    if isinstance(error, MCPError) and error.code == types.CONNECTION_CLOSED:
        return "The server closed the connection before it was ready."
    if type(error) is ConnectionError or isinstance(error, GridBearError):
        return str(error)
    if isinstance(error, asyncio.TimeoutError):
        return "The server did not answer in time."
    if isinstance(error, httpx2.ConnectError):
        return "Nothing answers at the server's address."
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
