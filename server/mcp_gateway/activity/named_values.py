"""Values in a text that are named like secrets: `password: …`, `?api_key=…`, `"token": "…"`, `--password …`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

_NAME = r"[A-Za-z][A-Za-z0-9_.-]{0,63}"
_NAMED = re.compile(
    rf"(?<![A-Za-z0-9_])(?:--(?P<flag>{_NAME})[ \t]+|(?P<name>{_NAME})(?:\\*[\"'])?[ \t]*(?:=>|:=|[:=])[ \t]*)"
)
_VALUE = re.compile(
    r"(?:(?P<q>\\*[\"'])(?:Bearer\s+|Basic\s+)?(?P<quoted>(?:(?!(?P=q))(?:\\.|[^\r\n]))+)"
    r"|(?:Bearer\s+|Basic\s+)?(?P<bare>[^\s\"'\\,;&)\]}<>]{4,}))"
)
_LINE = re.compile(r"\\*[\"']?(?:Bearer\s+|Basic\s+)?(?P<line>[^\s\"'\\][^\r\n\"'\\]*)")
_OF_A_LINE = ("authorization", "cookie")
"""Names of headers, whose values have spaces and semicolons in them."""
_PLAIN = frozenset(("null", "none", "true", "false", "undefined"))


def named_values(
    text: str, is_secret: Callable[[str], bool], is_text_secret: Callable[[str, str], bool]
) -> Iterator[tuple[int, int]]:
    """Beginning and end of each value in `text` whose name `is_secret`, in order.

    `is_text_secret` is asked of a name with its value, where that is sure to be the whole of it and no prose: in
    quotes, or in an address.
    """
    end = 0
    for found in _NAMED.finditer(text):
        name = found["name"] or found["flag"]
        if found.start() < end:
            continue
        sure = is_secret(name)
        if not sure and not is_text_secret(name, "?"):
            continue
        form = _LINE if name.lower().endswith(_OF_A_LINE) else _VALUE
        value = form.match(text, found.end())
        if value is None:
            continue
        kind = value.lastgroup or "bare"
        whole = kind == "quoted" or text[max(0, found.start() - 1) : found.start()] in ("?", "&")
        if not sure and not (whole and is_text_secret(name, value[kind])):
            continue
        if value[kind].lower() not in _PLAIN:
            end = value.end(kind)
            yield value.start(kind), end
