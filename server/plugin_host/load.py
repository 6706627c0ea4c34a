"""Import a plugin's Python files under a private package name, so that dashes in ids work."""

from __future__ import annotations

import contextlib
import importlib
import re
import sys
import types
from collections.abc import Collection
from itertools import count
from pathlib import Path

from fastapi import APIRouter
from sqlalchemy import Table
from sqlalchemy.orm import DeclarativeBase

from server.models.declared import PLUGIN_PACKAGE, declared_classes, declared_models
from server.plugin_host.manifest import ManifestError

_loads = count(1)
_packages: dict[str, str] = {}
"""The package of each loaded plugin. Every load makes a new one: classes of an earlier load may still be alive."""


def package_name(plugin_id: str) -> str:
    """The private package that a plugin is loaded as; one that is not loaded gets a new one."""
    return _packages.setdefault(plugin_id, f"{PLUGIN_PACKAGE}{snake(plugin_id)}_{next(_loads)}")


def snake(plugin_id: str) -> str:
    """The plugin id as a prefix of table names: `webhook-inbox` -> `webhook_inbox`."""
    return plugin_id.replace("-", "_")


def load_models(plugin_id: str, folder: Path, base: type[DeclarativeBase]) -> list[type[DeclarativeBase]]:
    """Import `models.py` and return the models it declares, in order of table name; [] without the file.

    Raises whatever the file raises, and ManifestError for a table without the plugin's prefix. After an error
    none of its tables is left in the metadata, so that nothing half-made is ever migrated.
    """
    if not (folder / "models.py").is_file():
        return []
    before = set(base.metadata.tables)
    try:
        module = _import(plugin_id, folder, "models")
        models = [model for model in declared_models(base) if model.__module__ == module.__name__]
        for model in models:
            _check_prefix(plugin_id, model)
    except BaseException:
        for name in set(base.metadata.tables) - before:
            base.metadata.remove(base.metadata.tables[name])
        _forget(plugin_id)
        raise
    return sorted(models, key=lambda model: str(model.__tablename__))


def load_part(plugin_id: str, folder: Path, name: str) -> types.ModuleType | None:
    """Import the file `name.py` of a plugin; None without it. Raises whatever the file raises."""
    return _import(plugin_id, folder, name) if (folder / f"{name}.py").is_file() else None


def load_router(plugin_id: str, folder: Path) -> APIRouter | None:
    """Import `api/routes.py` and return its `router`; None without the file. Raises whatever the file raises."""
    if not (folder / "api" / "routes.py").is_file():
        return None
    router = getattr(_import(plugin_id, folder, "api.routes"), "router", None)
    if not isinstance(router, APIRouter):
        raise ManifestError(
            f"{plugin_id}/api/routes.py: found {type(router).__name__} as `router`, wanted a fastapi.APIRouter"
        )
    return router


def unload(plugin_ids: Collection[str], base: type[DeclarativeBase]) -> None:
    """Forget what was imported of these plugins, their tables included."""
    packages = tuple(f"{_packages[plugin_id]}." for plugin_id in plugin_ids if plugin_id in _packages)
    classes = [model for model in declared_classes(base) if model.__module__.startswith(packages)]
    tables = [model.__table__ for model in declared_models(base) if model in classes]
    for table in tables:
        if isinstance(table, Table):
            base.metadata.remove(table)
    for plugin_id in plugin_ids:
        _forget(plugin_id)


def _import(plugin_id: str, folder: Path, name: str) -> types.ModuleType:
    present = sys.modules.get(_packages.get(plugin_id, ""))
    if present is None or list(present.__path__) != [str(folder)]:
        _forget(plugin_id)
        package = package_name(plugin_id)
        root = types.ModuleType(package, f"The plugin {plugin_id}.")
        root.__path__ = [str(folder)]
        sys.modules[package] = root
        importlib.invalidate_caches()
    return importlib.import_module(f"{package_name(plugin_id)}.{name}")


def _forget(plugin_id: str) -> None:
    package = _packages.pop(plugin_id, "")
    if not package:
        return
    root = sys.modules.get(package)
    for folder in root.__path__ if root is not None else ():
        _drop_bytecode(Path(folder))
    for name in [name for name in sys.modules if name == package or name.startswith(package + ".")]:
        del sys.modules[name]


def _drop_bytecode(folder: Path) -> None:
    # Python takes a file for unchanged that was saved twice within a second at the same size.
    for cached in folder.rglob("__pycache__/*.pyc"):
        with contextlib.suppress(OSError):
            cached.unlink()


def _check_prefix(plugin_id: str, model: type[DeclarativeBase]) -> None:
    prefix = snake(plugin_id) + "_"
    table = str(model.__tablename__)
    if not re.fullmatch(re.escape(prefix) + r"[a-z0-9_]+", table):
        raise ManifestError(
            f"{plugin_id}/models.py: {model.__name__} has the table {table!r}, "
            f"wanted a name that starts with {prefix!r}"
        )
