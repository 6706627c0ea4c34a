"""The files of AI clients on this computer, as sources of an import. No path comes from outside."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, Field

from server.errors import GridBearError, NotFound, ValidationFailed
from server.mcp_gateway.clients.connections import known_client, path_of
from server.mcp_gateway.clients.known_clients import CLIENTS
from server.mcp_gateway.importing.reading import TEXT_BYTES_MAX, decoded, read_servers


class Source(BaseModel):
    """One client's file."""

    client: str
    label: str
    path: str
    exists: bool
    servers: int = Field(description="How many entries of MCP servers it has.")
    problem: str | None = Field(description="Why it can't be read.")


def listed() -> list[Source]:
    """Every known client and what its file holds."""
    return [_source(client) for client in CLIENTS]


def text_of(client: str) -> tuple[str, str]:
    """The text of a client's file, and what people call it. Raises NotFound, ValidationFailed."""
    known = known_client(client)
    path = path_of(known)
    return read_file(path), f"the file of {known.label}"


def read_file(path: Path) -> str:
    """A file's text. Raises NotFound, ValidationFailed."""
    try:
        if not path.exists():
            raise NotFound(f"{path} is not there.")
        if not path.is_file():
            raise ValidationFailed(f"{path} is no file.")
        with path.open("rb") as file:
            return decoded(file.read(TEXT_BYTES_MAX + 1))
    except OSError as error:
        raise ValidationFailed(f"{path} can't be read ({error.strerror or error}).") from None


def _source(client: str) -> Source:
    known = CLIENTS[client]
    path = path_of(known)
    count, problem = 0, None
    try:
        count = len(read_servers(read_file(path)).entries)
    except NotFound:
        pass
    except GridBearError as error:
        problem = None if error.code == "no_servers" else error.message
    return Source(client=client, label=known.label, path=str(path), exists=path.exists(), servers=count,
                  problem=problem)  # fmt: skip
