"""The examples of docs/scripts.md: signing in by password and code, run against a real server."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pyotp
import pytest
from demo_data import sign_in
from server_process import RunningServer
from test_api_examples import ADDRESS, PASSWORD, assert_said, blocks, run

pytestmark = [pytest.mark.slow, pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")]


def recovery_codes(server: RunningServer) -> list[str]:
    """Those of otto, whose second factor is on from then on."""
    server.create_user("otto", PASSWORD)
    with sign_in(server.url, "otto", PASSWORD) as client:
        secret = client.post("/auth/second-factor", data={"password": PASSWORD}).json()["data"]["secret"]
        answer = client.post("/auth/second-factor/confirm", data={"otp": pyotp.TOTP(secret).now()})
        codes: list[str] = answer.json()["data"]["recovery_codes"]
        return codes


def test_scripts_sign_in_with_a_password_and_a_code(tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data") as server:
        server.create_user("maja", PASSWORD, admin=True)
        first, second, *_ = recovery_codes(server)
        for language, command, code in (("sh", ["bash", "-euo", "pipefail", "-c"], first),
                                        ("python", [sys.executable, "-c"], second)):  # fmt: skip
            program = blocks(language, "scripts.md").replace(ADDRESS, server.url)
            output = run([*command, program], tmp_path, server.data_dir, PASSWORD=PASSWORD, OTP=code)
            assert_said(program, output)
        again = run(["bash", "-c", blocks("sh", "scripts.md").replace(ADDRESS, server.url) + "true"], tmp_path,
                    server.data_dir, PASSWORD=PASSWORD, OTP=first)  # fmt: skip
        assert "wrong_otp" in again, "a code is good once"
