"""The internal API's secret: the one that is configured, else one made once and kept in the data folder."""

from __future__ import annotations

import secrets
from pathlib import Path

from server.plugin_host.secrets import SECRETS_FOLDER, read_secret, write_secret


def internal_secret(data_dir: Path, configured: str) -> str:
    """`configured` when it is set, else the secret of `<data>/secrets/internal-api` (0600), made at first use."""
    if configured:
        return configured
    path = data_dir / SECRETS_FOLDER / "internal-api"
    kept = read_secret(path)
    if kept is None:
        kept = secrets.token_urlsafe(32)
        write_secret(path, kept)
    return kept
