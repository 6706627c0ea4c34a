"""The licences of everything that a bundle holds, from the files that PyInstaller found: packages, Python, system."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import Distribution, distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_LICENCE_NAME = re.compile(r"(licen[cs]e|copying|copyright|notice|authors|eula)", re.IGNORECASE)
_LINE = "{name} {version}: {terms}\n"


def collect(sources: Iterable[str], target: Path) -> list[Path]:
    """Fill `target` with one folder for each owner of `sources` (paths of files), and `OVERVIEW.txt`.

    Returns the files written. Raises LookupError, with names, when a package or a system library comes without any
    word on its licence: such a bundle may not be given away.
    """
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    files = sorted({str(Path(source).resolve()) for source in sources if source})
    packages = {found.name: found for path in files if (found := _distribution(path))}
    lines, unknown = [], []
    for name, package in sorted(packages.items(), key=lambda one: one[0].lower()):
        texts, terms = _licence_files(package), _terms(package)
        if not texts and not terms:
            unknown.append(name)
        _copy(texts, target / name)
        told = terms or "see the files"
        lines.append(_LINE.format(name=name, version=package.version, terms=told))
    _copy([ROOT / "LICENSE"], target / "gridbear-desktop")
    _copy(sorted((ROOT / "assets" / "ui" / "vendor" / "licences").iterdir()), target / "ui")
    if any(name.lower().startswith("pyside6") for name in packages):
        # Its wheels bring no texts.
        _copy(sorted((ROOT / "packaging" / "licences").iterdir()), target / "qt")
    _copy(_python_licence(), target / "python")
    lines.append(_LINE.format(name="Python", version=sys.version.split()[0], terms="PSF-2.0, see the file"))
    for package_name, copyright_file in _system_packages(files, unknown):
        _copy([copyright_file], target / "system" / package_name)
        lines.append(_LINE.format(name=package_name, version="(of the building system)", terms="see the file"))
    if unknown:
        raise LookupError(f"nothing says under which licence these come: {', '.join(unknown)}")
    (target / "OVERVIEW.txt").write_text("".join(lines), "utf-8", newline="\n")
    return sorted(path for path in target.rglob("*") if path.is_file())


@cache
def _owners() -> dict[str, Distribution]:
    """The installed package of each of its files."""
    return {
        str(Path(str(package.locate_file(file))).resolve()): package
        for package in distributions()
        for file in package.files or ()
    }


def _distribution(path: str) -> Distribution | None:
    return _owners().get(path)


def _licence_files(package: Distribution) -> list[Path]:
    names = [
        file
        for file in package.files or ()
        if _LICENCE_NAME.search(file.name) and any(part.endswith(".dist-info") for part in file.parts)
    ]
    return [path for file in names if (path := Path(str(package.locate_file(file)))).is_file()]


def _terms(package: Distribution) -> str:
    """What the package says in a line: its expression, else its classifiers, else the first line of its field."""
    metadata = package.metadata
    if "License-Expression" in metadata:
        return str(metadata["License-Expression"])
    classifiers = [
        value.rsplit(" :: ", 1)[-1]
        for value in metadata.get_all("Classifier") or ()
        if value.startswith("License ::") and value.count("::") > 1
    ]
    field = str(metadata["License"]).strip() if "License" in metadata else ""
    return "; ".join(classifiers) or (field.splitlines()[0][:100] if field else "")


def _python_licence() -> list[Path]:
    places = [Path(sys.base_prefix), *(Path(path) for path in sys.path if path.endswith(("Lib", "lib-dynload")))]
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    candidates = [place / name for place in (*places, Path(sys.base_prefix) / "lib" / version)
                  for name in ("LICENSE.txt", "LICENSE")]  # fmt: skip
    candidates.append(Path(f"/usr/share/doc/{version}/copyright"))
    found = [path for path in candidates if path.is_file()]
    if not found:
        raise LookupError(f"Python's licence is not in {sys.base_prefix}")
    return found[:1]


def _system_packages(files: list[str], unknown: list[str]) -> list[tuple[str, Path]]:
    """Debian's packages of the libraries among `files`, with their copyright files. Elsewhere there are none."""
    if sys.platform != "linux" or not shutil.which("dpkg-query"):
        return []
    own = (str(ROOT), str(Path(sys.base_prefix).resolve()) if sys.base_prefix != "/usr" else "\0")
    libraries = [path for path in files if path.startswith(("/usr/lib", "/lib", "/opt")) and not path.startswith(own)]
    found: dict[str, Path] = {}
    for library in libraries:
        name = _debian_package(library)
        document = Path(f"/usr/share/doc/{name}/copyright")
        if name and document.is_file():
            found[name] = document.resolve()
        elif ".so" in Path(library).name:
            unknown.append(library)
    return sorted(found.items())


def _debian_package(library: str) -> str:
    # A package may name its files by the folder that is a link to /usr/lib now.
    for path in (library, library.removeprefix("/usr")):
        done = subprocess.run(["dpkg-query", "-S", path], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.split(":", 1)[0]
    return ""


def _copy(files: Iterable[Path], folder: Path) -> None:
    for number, file in enumerate(files):
        folder.mkdir(parents=True, exist_ok=True)
        name = file.name if not (folder / file.name).exists() else f"{file.stem}-{number}{file.suffix}"
        shutil.copyfile(file, folder / name)
