"""What the code of a plugin uses that is not for plugins, not there or not permitted: found without running it."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

from server import plugin_api
from server.plugin_host.content_hash import plugin_files
from server.this_computer import resource_dir

API = "server.plugin_api"
_OURS = ("server", "gridbear_desktop")
_NEEDS = {
    "fetch": "network",
    "secret": "secrets",
    "put_secret": "secrets",
    "send_message": "messages",
    "notify": "notifications",
}
"""Methods of a plugin's context that always need a permission."""
_CONTEXTS = {"Context", "PluginContext"}
_INSTEAD = {
    "server.records": "`context.records` and `context.records_as(actor)` read and write records.",
    "server.models": f"{API} has Base, Record, Owned and field.",
    "server.outbound": "`context.fetch()` asks other addresses.",
    "server.config": "`context.settings()` has the plugin's settings.",
    "server.secrets": "`context.secret()` has the plugin's secrets.",
    "server.tasks": f"{API} has task and schedule, and `context.start_task()` starts one.",
}
_NOT_A_PAGE_MODULE = re.compile(r"(?:(?:\.\./)+|/)ui/")
_PAGE_IMPORT = re.compile(r"\b(?:import|export)\s*(?:([\w$*{}\s,]+?)\s*\bfrom\s*)?([\"'])([^\"'\n]+)\2")
_BRACES = re.compile(r"\{([^}]*)\}")
_PAGE_COMMENT = re.compile(r"/\*.*?\*/|^\s*//[^\n]*", re.DOTALL | re.MULTILINE)

Found = tuple[int, str]
"""A line and what is wrong there."""


def misuses(folder: Path, permissions: Collection[str]) -> list[str]:
    """Each place as `file:line: what is wrong, and what to use instead`. A plugin's own `tests` may use anything."""
    told = []
    for path in plugin_files(folder):
        name = path.relative_to(folder)
        if name.parts[0] == "tests":
            continue
        found: Iterator[Found] = iter(())
        if path.suffix == ".py":
            found = _in_python(path.read_bytes(), permissions)
        elif path.suffix in (".js", ".mjs") and name.parts[0] == "ui":
            found = _in_page(path.read_text("utf-8", "replace"))
        told += [f"{name.as_posix()}:{line}: {text}" for line, text in sorted(found)]
    return told


def _in_python(source: bytes, permissions: Collection[str]) -> Iterator[Found]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        # The start says so, in Python's own words.
        return
    nodes = list(ast.walk(tree))
    contexts = {"context", *(one.arg for one in nodes if isinstance(one, ast.arg) and _is_context(one.annotation))}
    for node in nodes:
        if isinstance(node, ast.Import):
            for name in (alias.name for alias in node.names):
                if name.partition(".")[0] in _OURS and name != API:
                    yield node.lineno, _private(name, [])
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield from ((node.lineno, text) for text in _wrong_names(node.module, [one.name for one in node.names]))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            needed, whose = _NEEDS.get(node.func.attr), node.func.value
            named = whose.id if isinstance(whose, ast.Name) else getattr(whose, "attr", "")
            if needed is not None and needed not in permissions and named in contexts:
                yield node.lineno, f'`{node.func.attr}()` needs "{needed}" among the permissions of manifest.json.'


def _is_context(annotation: ast.expr | None) -> bool:
    return annotation is not None and not _CONTEXTS.isdisjoint(re.findall(r"\w+", ast.unparse(annotation)))


def _wrong_names(module: str, names: list[str]) -> Iterator[str]:
    if module == "server":
        modules = [f"server.{name}" for name in names]
        yield from (_private(name, []) for name in modules if name != API)
    elif module == API:
        yield from (_missing(API, name, plugin_api.__all__) for name in names if name not in (*plugin_api.__all__, "*"))
    elif module.partition(".")[0] in _OURS:
        yield _private(module, [name for name in names if name in plugin_api.__all__])


def _private(module: str, there: list[str]) -> str:
    instead = next((text for begin, text in _INSTEAD.items() if f"{module}.".startswith(f"{begin}.")), "")
    if there:
        instead = f"{', '.join(there)}: import from {API}."
    return f"{module} is not for plugins and changes without notice. {instead or f'They import {API} alone.'}"


def _missing(module: str, name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, known, 1)
    return f"{module} has no {name}" + (f"; did you mean {near[0]}?" if near else ".")


def _in_page(source: str) -> Iterator[Found]:
    # As many lines as before, so that a place keeps its number.
    text = _PAGE_COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), source)
    for found in _PAGE_IMPORT.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        names, address = found[1] or "", found[3].partition("?")[0]
        if _NOT_A_PAGE_MODULE.match(address) is None:
            continue
        if not address.endswith("/ui/sdk.js"):
            yield line, f"{address} is not for plugins and changes without notice. Pages import sdk.js alone."
            continue
        for name in _names(names):
            if name not in sdk_names():
                yield line, _missing("sdk.js", name, sdk_names())


def _names(text: str) -> list[str]:
    return [one.split()[0] for part in _BRACES.findall(text) for one in part.split(",") if one.strip()]


@lru_cache(1)
def sdk_names() -> frozenset[str]:
    """All that sdk.js exports."""
    text = (resource_dir("assets") / "ui" / "sdk.js").read_text("utf-8")
    listed = [one.split()[-1] for part in re.findall(r"\bexport\s*\{([^}]*)\}", text)
              for one in part.split(",") if one.strip()]  # fmt: skip
    return frozenset([*listed, *re.findall(r"\bexport\s+(?:const|let|function|class)\s+([\w$]+)", text)])
