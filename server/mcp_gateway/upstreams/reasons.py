"""Why a server could not be reached, in words for a person. Imports the SDK: only when a server is first used."""

from __future__ import annotations

from collections.abc import Iterable

import httpx2
import mcp_types as types
from mcp.shared.exceptions import MCPError

from server.errors import GridBearError
from server.mcp_gateway.upstreams.http_faults import UNAUTHORIZED, HttpFaults
from server.mcp_gateway.upstreams.programs import ProgramNotFound
from server.mcp_gateway.upstreams.request_failed import RequestFailed
from server.mcp_gateway.upstreams.standing import WANTS_LOGIN, Trouble
from server.mcp_gateway.upstreams.stderr_hints import hint
from server.outbound.pinned_transport import AddressRefused

_ADVICE = {
    403: "It refuses this address or its headers; an account may lack the right.",
    404: "Is the address right? Most end in /mcp.",
    405: "Is the address right? An older server may want the transport sse, a newer one http.",
}


def trouble_of(failure: BaseException | None, stderr: Iterable[str], faults: HttpFaults) -> Trouble:
    """What a person is told about a server that could not be reached or that ended, None when it ended by itself."""
    error = None if failure is None else _innermost(failure)
    if faults.unauthorized or (isinstance(error, RequestFailed) and error.status == UNAUTHORIZED):
        return WANTS_LOGIN
    if error is None:
        return Trouble("The server ended by itself.", hint(stderr))
    if isinstance(error, ProgramNotFound):
        return Trouble(error.message, error.advice)
    if isinstance(error, MCPError | httpx2.HTTPStatusError) and faults.status >= 400:
        return Trouble(f"The server answers {faults.status}.", _ADVICE.get(faults.status, ""))
    return Trouble(_described(error), hint(stderr))


def _innermost(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    return error


def _described(error: BaseException) -> str:
    if isinstance(error, PermissionError):
        return "The command may not be run."
    if isinstance(error, MCPError) and error.code == types.CONNECTION_CLOSED:
        return "The server closed the connection before it was ready."
    if type(error) is ConnectionError or isinstance(error, GridBearError):
        return str(error)
    if isinstance(error, TimeoutError):
        return str(error) or "The server did not answer in time."
    if isinstance(error, AddressRefused):
        return f"It may not be reached: {error}"
    if isinstance(error, httpx2.ConnectError):
        return "Nothing answers at the server's address."
    if isinstance(error, httpx2.LocalProtocolError):
        # Its words repeat headers, with what is secret in them.
        return "What is sent to it is no proper HTTP."
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "The folder that it is to run in (cwd), or what its first line names to run it with, is not there."
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
