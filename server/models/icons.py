"""The icons that a model may have. Their drawings are `assets/ui/icons.svg`."""

from __future__ import annotations

from typing import Literal

ModelIcon = Literal[
    "archive", "automations", "bell", "bot", "calendar", "chat", "chip", "clock", "cloud", "code", "data", "file",
    "folder", "globe", "home", "key", "link", "lock", "mail", "people", "phone", "plugins", "send", "server", "shield",
    "tag", "tools", "user",
]  # fmt: skip
