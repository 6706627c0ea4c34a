"""The virtual environment of this checkout: made once, filled from the lock files, not touched while they stay."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "gridbear-stamp.json"
SCRIPTS = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = SCRIPTS / ("python.exe" if os.name == "nt" else "python")
# Which locks hold everything that a lock holds, in the same versions.
SUPERSETS = {
    "requirements": ("requirements", "desktop", "qt", "dev", "bench"),
    "desktop": ("desktop", "qt", "dev"),
    "qt": ("qt",),
    "dev": ("dev",),
    "bench": ("bench",),
}


def say(text: str) -> None:
    print(f"[dev] {text}", flush=True)


def python(*arguments: str) -> int:
    """Run the environment's Python in the checkout. Returns its exit code."""
    return subprocess.call([str(PYTHON), *arguments], cwd=ROOT)


def lock_file(name: str) -> Path:
    return ROOT / "packaging" / f"{name}.lock"


def lock_hash(name: str) -> str:
    return hashlib.sha256(lock_file(name).read_bytes()).hexdigest()


def install(name: str, only_for: str = "") -> None:
    """Bring the environment up to the lock `name`. Does nothing when it, or a larger one, is installed.

    What can't be installed ends the program, unless it is wanted `only_for` something that can be left out.
    """
    installed = _stamp()
    if any(installed.get(larger) == lock_hash(larger) for larger in SUPERSETS[name]):
        return
    _make()
    say(f"Installing packages from packaging/{name}.lock into .venv.")
    pip = ["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--quiet", "--require-hashes"]
    if python(*pip, "-r", str(lock_file(name))):
        if only_for:
            say(f"pip could not install the packages; its message is above. {only_for} are skipped.")
            return
        sys.exit("[dev] pip could not install the packages; its message is above. Nothing was started.")
    _link_project()
    STAMP.write_text(json.dumps({**_stamp(), name: lock_hash(name)}), "utf-8")


def _stamp() -> dict[str, str]:
    """Which locks are installed, by the hash they had. Empty when the environment is absent or another Python's."""
    try:
        stamp = json.loads(STAMP.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    if not PYTHON.exists() or stamp.get("python") != _python_version():
        return {}
    return {str(key): str(value) for key, value in stamp.items()}


def _python_version() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _make() -> None:
    if _stamp():
        return
    if not _is_usable():
        if VENV.exists():
            say("The environment .venv does not fit this Python; making it again.")
            shutil.rmtree(VENV)
        _ensure_venv_module()
        say(f"Making the environment .venv with Python {_python_version()}.")
        if subprocess.call([sys.executable, "-m", "venv", str(VENV)]):
            shutil.rmtree(VENV, ignore_errors=True)
            sys.exit("[dev] Python could not make the environment; its message is above.")
    STAMP.write_text(json.dumps({"python": _python_version()}), "utf-8")


def _is_usable() -> bool:
    if not PYTHON.exists():
        return False
    code = "import pip, sys; print(f'{sys.version_info.major}.{sys.version_info.minor}')"
    done = subprocess.run([str(PYTHON), "-c", code], capture_output=True, text=True, check=False)
    return done.returncode == 0 and done.stdout.strip() == _python_version()


def _ensure_venv_module() -> None:
    if importlib.util.find_spec("ensurepip") and importlib.util.find_spec("venv"):
        return
    package = f"python{_python_version()}-venv"
    if shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        say(f"This Python can't make environments: installing Debian's {package}.")
        subprocess.call(["apt-get", "-qq", "update"])
        if subprocess.call(["apt-get", "-qq", "-y", "--no-install-recommends", "install", package]) == 0:
            return
    sys.exit(f"[dev] This Python can't make environments. Install the package {package} (sudo apt install {package}).")


def _site_packages() -> Path:
    if os.name == "nt":
        return VENV / "Lib" / "site-packages"
    return VENV / "lib" / f"python{_python_version()}" / "site-packages"


def _link_project() -> None:
    """Make `gridbear` and its modules known in the environment, without building a package."""
    (_site_packages() / "gridbear-desktop.pth").write_text(f"{ROOT}\n", "utf-8")
    if os.name == "nt":
        (SCRIPTS / "gridbear.cmd").write_text(f'@"{PYTHON}" -P -m gridbear_desktop %*\r\n', "utf-8")
        return
    script = SCRIPTS / "gridbear"
    script.write_text(f'#!/bin/sh\nexec "{PYTHON}" -P -m gridbear_desktop "$@"\n', "utf-8")
    script.chmod(0o755)


def link_system_gtk() -> bool:
    """Let the environment use the system's GTK bindings. False when there are none for this Python."""
    link = _site_packages() / "gi"
    code = (
        "import gi, sys\n"
        "gi.require_version('Gtk', '3.0')\n"
        "for version in ('4.1', '4.0'):\n"
        "    try: gi.require_version('WebKit2', version); break\n"
        "    except ValueError: pass\n"
        "else: sys.exit('no WebKit')\n"
        "print(f'{sys.version_info.major}.{sys.version_info.minor}', gi.__path__[0])\n"
    )
    try:
        done = subprocess.run(["/usr/bin/python3", "-c", code], capture_output=True, text=True, check=False)
    except OSError:
        return False
    version, _, folder = done.stdout.strip().partition(" ")
    if done.returncode or version != _python_version():
        return False
    if not link.exists():
        link.unlink(missing_ok=True)
        link.symlink_to(folder, target_is_directory=True)
    return True
