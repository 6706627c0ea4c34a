"""The internal API's secret: the one that is configured, else one made once and kept in the data folder."""

from __future__ import annotations

import secrets
from pathlib import Path

from server.secrets.private_file import read_private, write_private


def internal_secret(data_dir: Path, configured: str) -> str:
    """`configured` when it is set, else the secret of `<data>/secrets/internal-api` (0600), made at first use."""
    if configured:
        return configured
    path = data_dir / "secrets" / "internal-api"
    kept = (read_private(path) or b"").decode().strip()
    if not kept:
        kept = secrets.token_urlsafe(32)
        write_private(path, f"{kept}\n".encode())
    return kept
