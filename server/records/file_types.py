"""Types of uploaded files: what the sender says, corrected by what the bytes are where a browser could be fooled."""

from __future__ import annotations

import mimetypes
import re

HEAD_BYTES = 4096
"""What of a file is looked at."""
UNKNOWN = "application/octet-stream"
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,100}")
_UNTOLD = frozenset(("", UNKNOWN, "binary/octet-stream", "application/x-www-form-urlencoded"))
"""What programs send that know nothing of the type."""
_SYNONYMS = {
    "image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png", "audio/mp3": "audio/mpeg",
    "audio/x-wav": "audio/wav", "audio/wave": "audio/wav", "application/x-pdf": "application/pdf",
    "application/xhtml+xml": "text/html",
}  # fmt: skip

PICTURES = frozenset(("image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "image/avif"))
SHOWN = PICTURES | {"audio/mpeg", "audio/wav", "audio/ogg", "video/mp4", "video/webm", "video/ogg", "text/plain"}
"""Types that a browser may show in its own window: they can run nothing. What claims to be one has been checked."""
_PROVEN = SHOWN - {"text/plain"} | {"application/pdf"}

_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"), (b"BM", "image/bmp"), (b"%PDF-", "application/pdf"), (b"ID3", "audio/mpeg"),
    (b"\x1aE\xdf\xa3", "video/webm"), (b"OggS", "audio/ogg"),
    (b"MZ", "application/vnd.microsoft.portable-executable"), (b"\x7fELF", "application/x-executable"),
    (b"#!", "text/x-shellscript"),
)  # fmt: skip
_EXECUTABLE = frozenset(kind for start, kind in _STARTS if start in (b"MZ", b"\x7fELF"))
_FAMILIES: dict[str, frozenset[str]] = {
    # One container holds sound alone or pictures as well; the sender knows which.
    "audio/ogg": frozenset(("audio/ogg", "video/ogg")),
    "video/webm": frozenset(("video/webm", "audio/webm", "video/x-matroska")),
    "video/mp4": frozenset(("video/mp4", "audio/mp4", "video/quicktime")),
}
_MARKUP = re.compile(
    rb"\s*(<\?xml[^>]*>\s*|<!--.*?-->\s*|<!doctype\s+svg[^>]*>\s*)*"
    rb"<(!doctype\s+html|html|head|body|script|iframe|style|title|table|div|font|h1|img|link|meta|base|embed|object|"
    rb"form|svg|[a-z0-9]+:svg|a|b|br|p)\b",
    re.IGNORECASE | re.DOTALL,
)
# Built in alone: the tables of the system, and Windows' registry, say what they like.
_by_name = mimetypes.MimeTypes(filenames=())


def file_type(told: str, name: str, head: bytes) -> str:
    """The type to keep for a file: `told` by the sender or by the name's ending, unless its first bytes deny it."""
    claimed = told.partition(";")[0].strip().lower()
    claimed = _SYNONYMS.get(claimed, claimed)
    if claimed in _UNTOLD or _TYPE.fullmatch(claimed) is None:
        guessed = _by_name.guess_type(name, strict=False)[0] or UNKNOWN
        claimed = _SYNONYMS.get(guessed, guessed)
    found = sniffed_type(head)
    if claimed == found or claimed in _FAMILIES.get(found, ()):
        return claimed
    if found in ("text/html", "image/svg+xml"):
        # As plain text or as the source of something it stays harmless; as anything else it is what it is.
        return claimed if claimed.startswith("text/") and claimed != "text/xml" else found
    if found in _EXECUTABLE or claimed in _PROVEN:
        return found or UNKNOWN
    return found if claimed == UNKNOWN and found else claimed


def sniffed_type(head: bytes) -> str:
    """The type that the first bytes of a file show, or an empty text."""
    if head[:4] == b"RIFF" and head[8:12] in (b"WEBP", b"WAVE"):
        return "image/webp" if head[8:12] == b"WEBP" else "audio/wav"
    if head[4:8] == b"ftyp":
        return "image/avif" if head[8:12] in (b"avif", b"avis") else "video/mp4"
    for start, kind in _STARTS:
        if head.startswith(start):
            return kind
    if head[:1] == b"\xff" and head[1:2] in (b"\xfb", b"\xf3", b"\xf2", b"\xfa"):
        return "audio/mpeg"
    markup = _MARKUP.match(_as_ascii(head))
    if markup is not None:
        return "image/svg+xml" if markup[2].lower().endswith(b"svg") else "text/html"
    return ""


def _as_ascii(head: bytes) -> bytes:
    """The beginning of a text without its byte order mark; browsers read UTF-16 as well."""
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if head.startswith(mark):
            return head[2:].decode(encoding, "replace").encode("ascii", "replace")
    return head.removeprefix(b"\xef\xbb\xbf")
