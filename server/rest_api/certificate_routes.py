"""/api/v1/server/certificate: what the server proves itself with, for people to compare and for devices to trust."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from pathlib import Path
from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from server.asgi.answer import Answer
from server.certificates import fingerprint_of, names_in
from server.config import SettingsHolder
from server.errors import NotFound
from server.records.times import to_text
from server.rest_api.gate import RestGate

FILE_NAME = "gridbear.crt"
_TYPE = "application/x-x509-ca-cert"


class CertificateShown(BaseModel):
    """The certificate. Everything but `encryption` is null while there is none."""

    encryption: Literal["off", "self-made", "files"]
    fingerprint: str | None = Field(default=None, description="SHA-256, as browsers show it.")
    names: list[str] | None = Field(default=None, description="The names and addresses that it is for.")
    expires_at: str | None = Field(default=None, description="UTC. One that was made here is made anew 30 days before.")


def certificate_router(file: Path, gate: RestGate, settings: SettingsHolder) -> APIRouter:
    """The routes. `file` is the certificate in use, without its key."""
    router = APIRouter(prefix="/api/v1/server/certificate", tags=["server"])

    def shown() -> CertificateShown:
        encryption = settings.current.tls
        pem = _read(file) if encryption != "off" else None
        if pem is None:
            return CertificateShown(encryption=encryption)
        return CertificateShown(
            encryption=encryption,
            fingerprint=fingerprint_of(pem),
            names=names_in(pem),
            expires_at=to_text(_expiry(pem)),
        )

    @router.get("", summary="The certificate of this server")
    async def state(request: Request, response: Response) -> Answer[CertificateShown]:
        gate.enter_route(request, response)
        return Answer[CertificateShown](data=await asyncio.to_thread(shown))

    @router.get(
        "/content",
        summary="The certificate as a file, to be trusted on another device; without its key",
        response_class=Response,
        responses={200: {"content": {_TYPE: {"schema": {"type": "string"}}}}},
    )
    async def content(request: Request, response: Response) -> Response:
        gate.enter_route(request, response)
        pem = None if settings.current.tls == "off" else await asyncio.to_thread(_read, file)
        if pem is None:
            raise NotFound("There is no certificate: nothing is encrypted here.")
        headers = {
            "content-disposition": f'attachment; filename="{FILE_NAME}"',
            "cache-control": "private, no-store",
            "ratelimit": response.headers["ratelimit"],
        }
        return Response(pem, media_type=_TYPE, headers=headers)

    return router


def _read(file: Path) -> str | None:
    try:
        pem = file.read_text("ascii")
        ssl.PEM_cert_to_DER_cert(pem)
    except (OSError, ValueError):
        return None
    return pem


def _expiry(pem: str) -> datetime.datetime:
    from cryptography import x509  # https alone needs it

    return x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc
