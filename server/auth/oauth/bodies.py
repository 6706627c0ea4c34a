"""Bodies of requests to the OAuth server: small, of told length, and each parameter once."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from server.auth.forms import FORM_BYTES
from server.errors import BadRequest, TooLarge


def check_size(request: Request) -> None:
    """Raise TooLarge for a body that is too long, or that does not tell its length."""
    length = request.headers.get("content-length", "0")
    if not length.isdigit() or int(length) > FORM_BYTES or "transfer-encoding" in request.headers:
        raise TooLarge(f"The body has at most {FORM_BYTES} bytes and tells its length.")


async def read_form(request: Request) -> list[tuple[str, Any]]:
    """The parameters as they stand there. Raises BadRequest, TooLarge."""
    check_size(request)
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise BadRequest("Send a form (application/x-www-form-urlencoded).", code="invalid_request")
    return list((await request.form(max_files=0, max_fields=30)).multi_items())


def single(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The parameters by name. Raises BadRequest when one is there twice: two readers could read different ones."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadRequest("A parameter is there twice.", code="invalid_request")
    return found
