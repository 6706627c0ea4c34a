"""The body of an upload: a form as browsers and `curl -F` send it, or the file itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from email.message import Message
from email.utils import collapse_rfc2231_value

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from server.asgi.query import query_pairs, refuse_other_than
from server.errors import BadRequest, FieldError, TooLarge, ValidationFailed

FORM_OVERHEAD = 64 * 1024
"""What a form may have beside its file."""
MAX_NAME = 1000
_FORM = b"multipart/form-data"


class UploadBody:
    """One file in the body of `request`. Nothing is read before `chunks`."""

    def __init__(self, request: Request, limit: int, others: Collection[str] = ()) -> None:
        """`others` are parameters of the query that somebody else reads.

        Raises TooLarge from Content-Length, ValidationFailed and BadRequest for a head that can't be used.
        """
        self._request = request
        kind, options = parse_options_header(request.headers.get("content-type", ""))
        self._form = _Form(options.get(b"boundary", b"")) if kind == _FORM else None
        self._limit = limit
        self._most = limit + FORM_OVERHEAD if self._form else limit
        length = request.headers.get("content-length", "")
        if length.isdigit() and int(length) > self._most:
            raise self._too_large()
        self._asked_name = _asked_name(request, others)
        if self._form is None and not self._asked_name:
            raise ValidationFailed.of("name", "required", "a name is wanted: ?name=photo.jpg, or Content-Disposition")

    @property
    def name(self) -> str:
        """The file's name, as the sender says."""
        return self._asked_name or (self._form.name if self._form else "")

    @property
    def content_type(self) -> str:
        """The file's type, as the sender says."""
        return self._form.content_type if self._form else self._request.headers.get("content-type", "")

    async def chunks(self) -> AsyncIterator[bytes]:
        """The file's bytes. Raises TooLarge, BadRequest, ValidationFailed, ClientDisconnect."""
        size = 0
        async for chunk in self._request.stream():
            size += len(chunk)
            if size > self._most:
                raise self._too_large()
            piece = self._form.file_bytes(chunk) if self._form else chunk
            if piece:
                yield piece
        if self._form:
            self._form.finish()

    def _too_large(self) -> TooLarge:
        return TooLarge(f"the upload is larger than the limit of {self._limit} bytes (upload_body_bytes)")


class _Form:
    """A form that holds one file, and perhaps a field `name`."""

    def __init__(self, boundary: bytes) -> None:
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._part_begin,
                    "on_header_field": self._header_field,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._headers_finished,
                    "on_part_data": self._part_data,
                    "on_end": self._end,
                },
            )
        except FormParserError:
            raise _malformed() from None
        if not boundary:
            raise _malformed()
        self._headers: dict[bytes, bytes] = {}
        self._field = self._value = b""
        self._into: bytearray | None = None
        self._file = bytearray()
        self._name = bytearray()
        self._file_name: str | None = None
        self._ended = False
        self.content_type = ""

    @property
    def name(self) -> str:
        return self._name.decode("utf-8", "replace") or self._file_name or ""

    def file_bytes(self, data: bytes) -> bytes:
        """What of the file is in the next piece of the body. Raises BadRequest, ValidationFailed."""
        try:
            self._parser.write(data)
        except FormParserError:
            raise _malformed() from None
        found = bytes(self._file)
        self._file.clear()
        return found

    def finish(self) -> None:
        """The body has ended. Raises BadRequest when the form has not, ValidationFailed when it had no file."""
        if not self._ended:
            raise _malformed()
        if self._file_name is None:
            raise ValidationFailed.of("file", "required", "the form has no file")

    def _part_begin(self) -> None:
        self._headers = {}

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._field.lower()] = self._value
        self._field = self._value = b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        field = options.get(b"name", b"").decode("utf-8", "replace")
        file_name = options.get(b"filename")
        if file_name is None:
            if field != "name":
                error = FieldError("unknown_field", "the form takes a file, and a field `name`")
                raise ValidationFailed(f"{field}: {error.message}", fields={field: error})
            self._into = self._name
            return
        if self._file_name is not None:
            raise ValidationFailed.of(field, "too_many", "one file for each upload")
        if not file_name:
            raise ValidationFailed.of(field, "required", "no file was chosen")
        self._file_name = _unescaped(file_name.decode("utf-8", "replace"))
        self.content_type = self._headers.get(b"content-type", b"").decode("latin-1")
        self._into = self._file

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._into is None:
            return
        self._into += data[start:end]
        if len(self._name) > MAX_NAME:
            raise ValidationFailed.of("name", "too_long", f"at most {MAX_NAME} bytes")

    def _end(self) -> None:
        self._ended = True


def _unescaped(name: str) -> str:
    """Browsers write the three characters that would break a form's header with percent signs, and no others."""
    return name.replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")


def _asked_name(request: Request, others: Collection[str]) -> str:
    """The name in the query or in `Content-Disposition`; empty where there is none."""
    pairs = query_pairs(request.scope)
    refuse_other_than({"name", *others}, pairs)
    name = next((value for key, value in reversed(pairs) if key == "name"), "")
    header = request.headers.get("content-disposition")
    if name or header is None:
        return name
    message = Message()
    message["content-disposition"] = header.encode("latin-1").decode("utf-8", "replace")
    # The form with a language and percent signs comes last, and is the one to prefer.
    found = [value for key, value in message.get_params([], "content-disposition") if key == "filename"]
    return collapse_rfc2231_value(found[-1]) if found else ""


def _malformed() -> BadRequest:
    return BadRequest("The body is no whole multipart/form-data.", code="invalid_form")
