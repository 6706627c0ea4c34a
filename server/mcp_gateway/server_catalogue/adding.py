"""An offered server with a person's values filled in, on its way to becoming a record."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path, PureWindowsPath

from server.errors import FieldError, ValidationFailed
from server.mcp_gateway.importing.draft import Draft, NewSecret, reference
from server.mcp_gateway.importing.reading import Entry
from server.mcp_gateway.server_catalogue.known_servers import Argument, KnownServer, Variable
from server.records.values import BadValue, clean_text

_LONGEST = 2000
_MOST = 50
_SUCH_A_PATH = "/home/me/Documents"
Given = Mapping[str, str | list[str]]


def filled(
    known: KnownServer,
    name: str,
    arguments: Given,
    variables: Mapping[str, str],
    secret_name: Callable[[str], str],
    home: Path,
) -> Draft:
    """The server to be made. Raises ValidationFailed naming each value that is missing or can't be taken."""
    errors: dict[str, FieldError] = {}
    words = list(known.words)
    for argument in known.arguments:
        try:
            words += _words(argument, arguments.get(argument.key), home)
        except BadValue as error:
            errors[argument.key] = FieldError(error.code, error.message)
    values: dict[str, str] = {}
    secrets: list[NewSecret] = []
    for variable in known.variables:
        try:
            text = _text(variables.get(variable.name), variable if variable.required else None)
        except BadValue as error:
            errors[variable.name] = FieldError(error.code, error.message)
            continue
        if text:
            values[variable.name] = _value(variable, text, secrets, secret_name)
    errors |= {
        key: FieldError("unknown_field", f"{known.label} has no such value")
        for key in (*arguments, *variables)
        if key not in {one.key for one in known.arguments} | {one.name for one in known.variables}
    }
    if errors:
        told = "; ".join(f"{key}: {error.message}" for key, error in errors.items())
        raise ValidationFailed(told, fields=errors)
    draft = Draft(Entry(known.name, known.name, None), name=name, transport=known.transport, secrets=secrets)
    draft.command, draft.args, draft.url = known.program, tuple(words), known.url
    if known.transport == "stdio":
        draft.env = values
    else:
        draft.headers = values
    return draft


def _words(argument: Argument, given: str | list[str] | None, home: Path) -> list[str]:
    many = [given] if isinstance(given, str) else given or []
    if len(many) > (_MOST if argument.many else 1):
        raise BadValue("too_many", f"at most {_MOST} values" if argument.many else "one value is wanted")
    texts = [_text(one, argument) for one in many]
    if argument.required and not texts:
        raise _missing(argument)
    # Whoever chooses a folder has chosen no option of the program.
    if any(text.startswith("-") for text in texts):
        raise BadValue("wrong_form", "a value can't begin with -")
    if argument.kind == "path":
        texts = [_path(text, home) for text in texts]
    return [word for text in texts for word in ((argument.flag, text) if argument.flag else (text,))]


def _path(text: str, home: Path) -> str:
    # No shell stands between us and the program: nobody else would know what ~ is.
    whole = f"{home}{text[1:]}" if text == "~" or text.startswith(("~/", "~\\")) else text
    if not (os.path.isabs(whole) or PureWindowsPath(whole).is_absolute()):
        raise BadValue("wrong_form", f"the whole path is wanted, such as {_SUCH_A_PATH}")
    return whole


def _missing(wanted: Argument | Variable) -> BadValue:
    several = isinstance(wanted, Argument) and wanted.many
    if isinstance(wanted, Argument) and wanted.kind == "path":
        what = f"{'one or more whole paths' if several else 'the whole path'}, such as {_SUCH_A_PATH}"
    else:
        what = "one or more texts" if several else "a text"
    hint = f". {wanted.help}" if wanted.help else ""
    return BadValue("required", f"“{wanted.label}” is missing: give {what}{hint}")


def _text(given: str | None, required_by: Argument | Variable | None) -> str:
    text = clean_text(given or "").strip()
    if required_by is not None and not text:
        raise _missing(required_by)
    if len(text) > _LONGEST:
        raise BadValue("too_long", f"at most {_LONGEST} characters")
    if "\n" in text or "\r" in text:
        raise BadValue("wrong_form", "one line is wanted")
    if "${secret:" in text:
        raise BadValue("wrong_form", "write the value itself; it is kept in the vault")
    return text


def _value(variable: Variable, text: str, secrets: list[NewSecret], secret_name: Callable[[str], str]) -> str:
    if not variable.secret:
        return variable.before + text
    secrets.append(NewSecret(secret_name(variable.name), variable.name, text.removeprefix(variable.before)))
    return variable.before + reference(secrets[-1])
