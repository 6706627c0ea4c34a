"""Writes docs/plugin-api.md from server.plugin_api, and docs/plugin-manifest.schema.json from the manifest's schema."""

from __future__ import annotations

import ast
import inspect
import json
import sys
import textwrap
from pathlib import Path
from types import ModuleType
from typing import Any, ForwardRef

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "plugin-api.md"
SCHEMA = ROOT / "docs" / "plugin-manifest.schema.json"
MADE_BY_THE_HOST = ("Actor", "Report")
HEAD = """# The plugin API

All that a plugin may import from GridBear: `from server.plugin_api import …`. Written by \
packaging/plugin_reference.py; [Writing a plugin](plugin-development.md) shows how it fits together.

**Promise.** Every name on this page keeps its meaning within a major version of GridBear: none is taken away, \
no parameter is removed or made required, and no error gets another code. New names and new optional parameters \
may come with any version. A name that is to go is marked as deprecated here, and works for at least one major \
version more. Everything else below `server` may change at any time, and so may names that begin with an \
underscore.
"""


def reference(api: ModuleType) -> str:
    """The page."""
    values = {name: getattr(api, name) for name in api.__all__}
    texts = _texts_of_aliases(api)
    errors = {name: it for name, it in values.items() if inspect.isclass(it) and issubclass(it, Exception)}
    classes = {name: it for name, it in values.items() if inspect.isclass(it) and name not in errors}
    functions = {name: it for name, it in values.items() if inspect.isfunction(it)}
    others = [name for name in values if name not in {*errors, *classes, *functions}]
    lines = [HEAD, "## Classes\n"]
    for name, it in sorted(classes.items()):
        lines += [f"### {name}\n", *_construction(name, it), _text(it), *_fields(it), *_members(it)]
    lines.append("## Functions and decorators\n")
    for name, function in sorted(functions.items()):
        lines += [f"### {name}\n", f"```python\n{_signature(name, function)}\n```\n", _text(function)]
        if name == "field":
            lines += ["What may be said beside it:\n", *_fields(vars(sys.modules[function.__module__])["FieldInfo"])]
    lines += ["## Errors\n", "Raise them; the caller gets the message and the code.\n"]
    lines += ["| Error | Code | When |", "|---|---|---|"]
    for name, error in sorted(errors.items()):
        lines.append(f"| `{name}` | `{getattr(error, 'code', '')}` | {' '.join(_text(error).split())} |")
    lines.append("\n## Types\n")
    for name in sorted(others):
        lines.append(f"- `{name}`: {' '.join(texts.get(name, '').split()) or f'`{_shown(values[name])}`'}")
    return "\n".join(lines) + "\n"


def schema(json_schema: dict[str, Any]) -> str:
    """The file."""
    return json.dumps(json_schema, indent=2, ensure_ascii=False) + "\n"


def _fields(it: type) -> list[str]:
    """What a dataclass or a model declares, each with the text below it."""
    if getattr(it, "_is_protocol", False) or issubclass(it, tuple):
        return []
    body = ast.parse(textwrap.dedent(inspect.getsource(it))).body[0]
    assert isinstance(body, ast.ClassDef)
    lines = []
    for one, after in zip(body.body, [*body.body[1:], None], strict=True):
        if not isinstance(one, ast.AnnAssign) or ast.unparse(one.target).startswith("_"):
            continue
        plain = one.value if isinstance(one.value, ast.Constant | ast.Tuple) else None
        text = after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else ""
        shown = f"{ast.unparse(one.target)}: {ast.unparse(one.annotation)}"
        default = f" = {ast.unparse(plain)}" if plain is not None else ""
        lines.append(f"- `{shown}{default}`" + (f": {' '.join(str(text).split())}" if text else ""))
    return [*lines, ""] if lines else []


def _members(it: type) -> list[str]:
    lines = []
    for name, member in vars(it).items():
        if name.startswith("_"):
            continue
        if isinstance(member, property):
            assert member.fget is not None
            kind = inspect.signature(member.fget).return_annotation
            lines.append(f"- `{name}: {kind}`: {' '.join(_text(member.fget).split())}")
        elif inspect.isfunction(member):
            text = " ".join(_text(member).split())
            lines.append(f"- `{_signature(name, member)}`" + (f": {text}" if text else ""))
    return [*lines, ""] if lines else []


class _Bare(str):
    """An annotation as it stands in the source, without quotes around it."""

    def __repr__(self) -> str:
        return str(self)


def _signature(name: str, function: Any) -> str:
    signature = inspect.signature(function)
    parameters = [
        it.replace(annotation=_bare(it.annotation)) for it in signature.parameters.values() if it.name != "self"
    ]
    shown = signature.replace(parameters=parameters, return_annotation=_bare(signature.return_annotation))
    return f"{'async ' if inspect.iscoroutinefunction(function) else ''}{name}{shown}"


def _bare(annotation: Any) -> Any:
    text = annotation.__forward_arg__ if isinstance(annotation, ForwardRef) else annotation
    return _Bare(text) if isinstance(text, str) else text


def _construction(name: str, it: type) -> list[str]:
    if getattr(it, "_is_protocol", False) or name in MADE_BY_THE_HOST:
        return []
    named = [p for p in inspect.signature(it).parameters.values() if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    return [f"```python\n{_signature(name, it).removesuffix(' -> None')}\n```\n"] if named else []


def _text(it: Any) -> str:
    own = it.__dict__.get("__doc__") if inspect.isclass(it) else it.__doc__
    # A dataclass or named tuple without a docstring of its own gets its signature as one.
    text = inspect.cleandoc(own or "")
    return "" if text.startswith(f"{getattr(it, '__name__', '')}(") else text + "\n"


def _texts_of_aliases(api: ModuleType) -> dict[str, str]:
    """The texts below assignments, which Python itself forgets."""
    body = ast.parse(inspect.getsource(api)).body
    found = {}
    for one, after in zip(body, body[1:], strict=False):
        if (
            isinstance(one, ast.Assign)
            and isinstance(one.targets[0], ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
        ):
            found[one.targets[0].id] = str(after.value.value)
    return found


def _shown(value: Any) -> str:
    return str(value).replace("typing.", "")


def main() -> None:
    sys.path.insert(0, str(ROOT))
    # Found only now that the checkout is on the path.
    from server import plugin_api
    from server.plugin_host.manifest import manifest_json_schema

    REFERENCE.write_text(reference(plugin_api), "utf-8", newline="\n")
    SCHEMA.write_text(schema(manifest_json_schema()), "utf-8", newline="\n")


if __name__ == "__main__":
    main()
