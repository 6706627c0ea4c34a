"""What the tests want of the system: a browser, a display to draw on, GTK. Installed as root on Debian, else named."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from dev_venv import say

# Debian package: what goes without it.
TEST_PACKAGES = {
    "chromium": "browser tests",
    "fonts-dejavu-core": "browser tests",
    "xvfb": "window tests",
    "dbus": "window tests",
    "trayer": "window tests",
    "xdotool": "window tests",
    "python3-gi": "window tests",
    "gir1.2-gtk-3.0": "window tests",
    "gir1.2-webkit2-4.1": "window tests",
    "gir1.2-ayatanaappindicator3-0.1": "window tests",
    # Of Qt, whose own packages lack them.
    "libegl1": "window tests",
    "libgl1": "window tests",
    "libnss3": "window tests",
    "libxcb-cursor0": "window tests",
    "libxcb-icccm4": "window tests",
    "libxcb-image0": "window tests",
    "libxcb-keysyms1": "window tests",
    "libxcb-render-util0": "window tests",
    "libxcb-xkb1": "window tests",
    "libxcomposite1": "window tests",
    "libxdamage1": "window tests",
    "libxkbcommon-x11-0": "window tests",
    "libxkbfile1": "window tests",
    "libxrandr2": "window tests",
    "libxtst6": "window tests",
}


def has_display() -> bool:
    """Whether a window could be shown to the person who started this."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def prepare_tests() -> None:
    """Install what browser and window tests need, or say what is missing; those tests skip themselves."""
    if not shutil.which("dpkg-query"):
        if not any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")):
            say("There is no Chromium on the PATH: the browser tests are skipped.")
        return
    missing = [package for package in TEST_PACKAGES if not _is_installed(package)]
    if not missing:
        return
    if os.geteuid() != 0:
        skipped = " and ".join(sorted({TEST_PACKAGES[package] for package in missing}))
        say(f"Missing Debian packages: {' '.join(missing)}. Without them {skipped} are skipped; to have them:")
        say(f"  sudo apt-get install --no-install-recommends {' '.join(missing)}")
        return
    say(f"Installing Debian packages for browser and window tests: {' '.join(missing)}.")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["-y", "--no-install-recommends", "install", *missing]):
        if subprocess.call(["apt-get", "-qq", *command], env=environment, stdout=subprocess.DEVNULL):
            say("apt-get failed, its message is above: the tests that need these packages are skipped.")
            return


def _is_installed(package: str) -> bool:
    query = ["dpkg-query", "-W", "-f=${db:Status-Status}", package]
    return subprocess.run(query, capture_output=True, text=True, check=False).stdout == "installed"
