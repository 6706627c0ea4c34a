"""What an entry says, in our terms: every client's words for the same few things."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath, PureWindowsPath
from typing import Any

from server.mcp_gateway.importing.reading import Entry
from server.records.values import BadValue, clean_text

_KINDS = {
    "stdio": "stdio",
    "local": "stdio",
    "http": "http",
    "https": "http",
    "streamable-http": "http",
    "streamable_http": "http",
    "streamablehttp": "http",
    "sse": "sse",
}
_ADDRESSES = (("url", ""), ("httpUrl", "http"), ("serverUrl", ""))
_USED = frozenset(
    ("type", "transport", "command", "args", "env", "cwd", "url", "httpUrl", "serverUrl", "headers", "http_headers",
     "requestInit", "disabled", "enabled", "bearer_token_env_var", "env_http_headers", "env_vars", "envFile", "name",
     "description", "gallery", "version")
)  # fmt: skip
_VARIABLE = re.compile(r"[^=\x00\s]{1,200}")
_BARE_REFERENCE = re.compile(r"((?:[A-Za-z]+ )?)\$([A-Z_][A-Z0-9_]*)")
"""`$NAME` or `Bearer $NAME`: Gemini's short form of `${NAME}`. Only as a whole value: `pa$SWORD` is a password."""
MOST_VALUES = 200


class NotUsable(Exception):
    """`args[0]` says why an entry can't become a server."""


@dataclass(frozen=True, slots=True)
class Understood:
    """A server as its file describes it; placeholders are still in it."""

    transport: str
    command: str = ""
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str = ""
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    enabled: bool = True
    notes: tuple[str, ...] = ()


def understood(entry: Entry) -> Understood:
    """The server that `entry` describes. Raises NotUsable."""
    value = entry.value
    if not isinstance(value, dict):
        raise NotUsable("it is no object with a command or an address")
    notes = ["It stands in the file more than once; the last one counts."] if entry.doubled else []
    unused = sorted(name for name in value if name not in _USED)
    if unused:
        shown = ", ".join(name[:40] for name in unused[:6]) + (" …" if len(unused) > 6 else "")
        notes.append(f"Not taken over: {shown}.")
    if value.get("envFile"):
        notes.append("envFile is not read: add its variables by hand.")
    transport, url = _way(value)
    enabled = value.get("enabled") is not False and value.get("disabled") is not True
    if transport == "stdio":
        command, args = _unwrapped(_text(value, "command"), _texts(value, "args"))
        env = {**{str(name): f"${{env:{name}}}" for name in _texts(value, "env_vars")}, **_table(value, "env")}
        for name in env:
            if _VARIABLE.fullmatch(name) is None:
                raise NotUsable(f"{name[:40]!r} can't be the name of a variable")
        cwd = _text(value, "cwd")
        _want_whole(command, cwd)
        return Understood("stdio", command, args, env, cwd, enabled=enabled, notes=tuple(notes))
    return Understood(transport, url=url, headers=_headers(value), enabled=enabled, notes=tuple(notes))


def _way(value: dict[str, Any]) -> tuple[str, str]:
    told = value.get("type", value.get("transport"))
    kind = ""
    if told is not None:
        kind = _KINDS.get(told.lower(), "") if isinstance(told, str) else ""
        if not kind:
            raise NotUsable(f"its type {str(told)[:40]!r} is not known: stdio, http and sse are")
    address, hint = next(((_text(value, name), hint) for name, hint in _ADDRESSES if value.get(name)), ("", ""))
    if value.get("command") and not (address and kind in ("http", "sse")):
        if address:
            raise NotUsable("it has both a command and an address")
        if kind in ("http", "sse"):
            raise NotUsable(f"its type is {kind}, and it has no address")
        return "stdio", ""
    if not address:
        raise NotUsable("it has neither a command nor an address")
    if kind == "stdio":
        raise NotUsable("its type is stdio, and it has no command")
    if not address.lower().startswith(("http://", "https://", "${")):
        raise NotUsable("its address begins with neither http:// nor https://")
    guessed = "sse" if address.rstrip("/").endswith("/sse") else "http"
    return kind or hint or guessed, address


def _headers(value: dict[str, Any]) -> dict[str, str]:
    init = value.get("requestInit")
    found = {
        **(_table(init, "headers") if isinstance(init, dict) else {}),
        **_table(value, "http_headers"),
        **_table(value, "headers"),
        **{name: f"${{env:{variable}}}" for name, variable in _table(value, "env_http_headers").items()},
    }
    bearer = _text(value, "bearer_token_env_var")
    if bearer:
        found["Authorization"] = f"Bearer ${{env:{bearer}}}"
    for name, text in found.items():
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}", name):
            raise NotUsable(f"{name[:40]!r} can't be the name of a header")
        if "\n" in text or "\r" in text:
            raise NotUsable(f"the header {name} has more than one line")
    return found


def _unwrapped(command: str, args: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """`cmd /c npx …` is how Windows clients write `npx …`; here the program itself is found."""
    name = PureWindowsPath(command).name.lower().removesuffix(".exe")
    if name == "cmd" and len(args) > 1 and args[0].lower() == "/c":
        return args[1], args[2:]
    return command, args


def _want_whole(command: str, cwd: str) -> None:
    whole = os.path.isabs(command) or PureWindowsPath(command).is_absolute() or command.startswith(("~", "${"))
    if not whole and PurePath(command).name != command and not cwd:
        raise NotUsable(f"its command {command[:60]!r} is meant from a folder that is not known: write the whole path")


def _text(value: dict[str, Any], name: str) -> str:
    found = value.get(name)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise NotUsable(f"its {name} is no text")
    return _clean(found, name)


def _texts(value: dict[str, Any], name: str) -> tuple[str, ...]:
    found = value.get(name)
    if found is None:
        return ()
    if not isinstance(found, list):
        raise NotUsable(f"its {name} are no list")
    if len(found) > MOST_VALUES:
        raise NotUsable(f"more than {MOST_VALUES} {name}")
    return tuple(_clean(_plain(one, name), name) for one in found)


def _table(value: dict[str, Any], name: str) -> dict[str, str]:
    found = value.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise NotUsable(f"its {name} is no object")
    if len(found) > MOST_VALUES:
        raise NotUsable(f"more than {MOST_VALUES} entries in its {name}")
    # VS Code takes null as "without this variable".
    return {
        _clean(key, name): _referring(_clean(_plain(one, name), name)) for key, one in found.items() if one is not None
    }


def _referring(text: str) -> str:
    bare = _BARE_REFERENCE.fullmatch(text)
    return text if bare is None else f"{bare[1]}${{env:{bare[2]}}}"


def _plain(value: Any, name: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int) or (isinstance(value, float) and abs(value) < 1e15):
        return str(value)
    raise NotUsable(f"its {name} hold something that is no text")


def _clean(text: str, name: str) -> str:
    try:
        return clean_text(text)
    except BadValue as error:
        raise NotUsable(f"its {name}: {error.message}") from None
