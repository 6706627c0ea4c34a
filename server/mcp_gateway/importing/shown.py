"""The answer of an import: each server that was found, and what becomes of it. No secret's value is in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, Field

from server.mcp_gateway.importing.draft import Draft


class SecretShown(BaseModel):
    """A secret that is made for a server."""

    name: str = Field(description="In the vault; the server refers to it as ${secret:NAME}.")
    variable: str = Field(description="The variable, header or input that it is for.")
    has_value: bool = Field(description="False: the file does not have it; set it under Secrets.")


class PackageShown(BaseModel):
    """The package that its command installs and starts."""

    registry: Literal["npm", "pypi", "image"]
    name: str
    version: str | None = Field(description="Exact, or none.")
    version_from: Literal["", "file", "cache", "registry"] = Field(description="Who told the version.")


class NeedShown(BaseModel):
    """A value that only a person can give: send it in `values` under `key`."""

    key: str
    description: str


class ImportedServer(BaseModel):
    """One entry of the text."""

    key: str = Field(description="Its name in the text; below a project's folder that too.")
    status: Literal["ready", "there", "own", "invalid"] = Field(
        description="there: a server does the same already; own: it is GridBear itself."
    )
    name: str = Field(description="The name that it gets unless told: safe and free.")
    renamed: bool = Field(description="Whether that is another than in the text.")
    project: str = Field(description="The folder that it is for.")
    transport: str
    command: str
    args: list[str]
    cwd: str
    url: str
    variables: list[str] = Field(description="Names of its environment.")
    headers: list[str] = Field(description="Names of its headers.")
    secrets: list[SecretShown]
    package: PackageShown | None
    unpinned: bool = Field(description="Each start may fetch another version.")
    needs: list[NeedShown]
    enabled: bool
    same_as: str = Field(description="The server that does the same.")
    notes: list[str]
    problem: str = Field(description="Why it can't be imported.")
    id: int | None = Field(description="Of the server that was made.")


class ImportShown(BaseModel):
    """All that was found."""

    servers: list[ImportedServer]
    imported: int


def shown(drafts: list[Draft], made: Mapping[str, int]) -> ImportShown:
    """The drafts as an answer; `made` has the ids of new servers by key."""
    return ImportShown(servers=[_server(draft, made.get(draft.entry.key)) for draft in drafts], imported=len(made))


def _server(draft: Draft, record_id: int | None) -> ImportedServer:
    package = draft.package
    return ImportedServer(
        key=draft.entry.key,
        status=draft.status,
        name=draft.name,
        renamed=draft.name != draft.entry.name,
        project=draft.entry.project,
        transport=draft.transport,
        command=draft.command,
        args=list(draft.args),
        cwd=draft.cwd,
        url=draft.url,
        variables=list(draft.env),
        headers=list(draft.headers),
        secrets=[
            SecretShown(name=one.name, variable=one.variable, has_value=one.value is not None) for one in draft.secrets
        ],
        package=None
        if package is None
        else PackageShown(
            registry=package.registry, name=package.name, version=package.version, version_from=draft.version_from
        ),
        unpinned=package is not None and package.version is None,
        needs=[NeedShown(key=one.key, description=one.description) for one in draft.needs],
        enabled=draft.enabled,
        same_as=draft.same_as,
        notes=draft.notes,
        problem=draft.problem,
        id=record_id,
    )
