"""/api/v1/server/licences: what of others this program is made of, and under which licences."""

from __future__ import annotations

import asyncio
import re
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from server.asgi.answer import Answer
from server.rest_api.gate import RestGate

ROOTS = (
    "fastapi", "starlette", "uvicorn", "httptools", "uvloop", "pydantic", "pydantic-settings", "sqlalchemy", "mcp",
    "httpx2", "orjson", "argon2-cffi", "python-multipart", "platformdirs", "filelock", "psutil", "typer", "rich",
    "pyotp", "qrcode", "cryptography", "keyring", "mnemonic", "zeroconf", "prometheus-client", "cronsim", "jsonschema",
    "tzlocal", "tzdata", "packaging", "parsedatetime", "pip", "pystray", "pywebview", "pillow", "jeepney",
)  # fmt: skip
"""What the program asks for itself; the rest follows from what these ask for."""
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_LONGEST = 80
_WANTED = ("License-Expression", "Classifier", "License", "Home-page", "Project-URL")


class Part(BaseModel):
    """One library that is installed here."""

    name: str
    version: str
    licence: str = Field(description="As its makers name it; empty where they don't.")
    url: str | None


def licence_router(gate: RestGate) -> APIRouter:
    """The route."""
    router = APIRouter(prefix="/api/v1/server", tags=["server"])

    @router.get("/licences", summary="The libraries in this program and their licences")
    async def licences(request: Request, response: Response) -> Answer[list[Part]]:
        gate.enter_route(request, response)
        return Answer[list[Part]](data=await asyncio.to_thread(installed_parts))

    return router


@cache
def installed_parts() -> list[Part]:
    """Every library of the program that is installed, by name. Reads a file of each once."""
    found: dict[str, Part] = {}
    seen, open_names = set(), list(ROOTS)
    while open_names:
        name = re.sub(r"[-_.]+", "-", open_names.pop()).lower()
        if name in seen:
            continue
        seen.add(name)
        try:
            one = distribution(name)
        except PackageNotFoundError:
            # For another system, or an extra that nobody asked for.
            continue
        told = {key: one.metadata.get_all(key) or [] for key in _WANTED}
        licence = [*told["License-Expression"], _classified(told["Classifier"]), *told["License"], ""]
        urls = [*told["Home-page"], *(line.partition(", ")[2] for line in told["Project-URL"])]
        found[name] = Part(
            name=one.name, version=one.version, licence=_short(next(filter(None, licence), "")), url=_address(urls)
        )
        open_names += [
            match[0] for line in one.requires or () if "extra ==" not in line and (match := _NAME.match(line))
        ]
    return [found[name] for name in sorted(found)]


def _classified(classifiers: list[str]) -> str:
    names = [line.rpartition(" :: ")[2] for line in classifiers if line.startswith("License :: ")]
    return ", ".join(name for name in names if name != "OSI Approved")


def _short(licence: str) -> str:
    # Some put the whole text where the name belongs.
    first = licence.strip().partition("\n")[0]
    return first if len(first) <= _LONGEST else f"{first[: _LONGEST - 1]}…"


def _address(urls: list[str]) -> str | None:
    return next((url for url in urls if url.startswith(("https://", "http://"))), None)
