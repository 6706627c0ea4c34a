"""Certificates: what is refused at start and why, when ours is made anew, and whom the programs here trust."""

from __future__ import annotations

import datetime
import socket
import ssl
import stat
import threading
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from server import certificates
from server.certificates import client_context, names_in, own_certificate, self_made_certificate
from server.errors import StartupError

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)


def written(
    folder: Path,
    begin: datetime.datetime = NOW - DAY,
    end: datetime.datetime = NOW + DAY,
    encryption: KeySerializationEncryption | None = None,
) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bear.example")])
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(begin).not_valid_after(end).sign(key, hashes.SHA256())
    )  # fmt: skip
    folder.mkdir()
    (folder / "cert.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    form = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())
    (folder / "key.pem").write_bytes(form)
    return folder / "cert.pem", folder / "key.pem"


def refusal(certificate: Path, key: Path) -> str:
    with pytest.raises(StartupError) as caught:
        own_certificate(certificate, key)
    return caught.value.message


def test_own_files_that_cannot_serve_are_refused_with_the_reason(tmp_path: Path) -> None:
    good, key = written(tmp_path / "good")
    other, other_key = written(tmp_path / "other")
    assert own_certificate(good, key).fingerprint != own_certificate(other, other_key).fingerprint
    assert "can't be read" in refusal(tmp_path / "absent.pem", key)
    assert "can't be read" in refusal(good, tmp_path / "absent.pem")
    assert "holds no certificate" in refusal(key, key)
    assert "holds no private key" in refusal(good, good)
    assert "does not belong" in refusal(good, other_key)
    assert "expired on" in refusal(*written(tmp_path / "old", NOW - 2 * DAY, NOW - DAY))
    assert "check the clock" in refusal(*written(tmp_path / "new", NOW + DAY, NOW + 2 * DAY))
    assert "has a password" in refusal(*written(tmp_path / "locked", encryption=BestAvailableEncryption(b"secret")))


def test_ours_is_private_stays_and_names_this_computer(tmp_path: Path) -> None:
    made = self_made_certificate(tmp_path, "0.0.0.0")
    assert {"localhost", "127.0.0.1", "::1"} <= set(names_in(made.pem))
    assert stat.S_IMODE(made.key_file.stat().st_mode) == 0o600
    assert self_made_certificate(tmp_path, "0.0.0.0") == made
    assert datetime.timedelta(days=360) < made.expires_at - NOW < datetime.timedelta(days=398)
    assert [file.name for file in tmp_path.iterdir()] == ["tls.pem"]


def test_a_new_address_is_added_and_earlier_ones_stay(tmp_path: Path) -> None:
    at_home = self_made_certificate(tmp_path, "192.168.1.5")
    at_work = self_made_certificate(tmp_path, "10.1.1.9")
    assert {"192.168.1.5", "10.1.1.9"} <= set(names_in(at_work.pem))
    assert at_home.pem != at_work.pem
    assert self_made_certificate(tmp_path, "192.168.1.5").pem == at_work.pem


def test_it_is_made_anew_before_its_end_and_when_its_file_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificates, "VALID_DAYS", certificates.RENEW_DAYS - 1)
    ending = self_made_certificate(tmp_path, "127.0.0.1")
    monkeypatch.undo()
    renewed = self_made_certificate(tmp_path, "127.0.0.1")
    assert renewed.expires_at > ending.expires_at
    renewed.key_file.write_text("nothing")
    assert self_made_certificate(tmp_path, "127.0.0.1").fingerprint != renewed.fingerprint


def test_the_programs_of_this_computer_trust_exactly_one_certificate(tmp_path: Path) -> None:
    ours = self_made_certificate(tmp_path, "127.0.0.1")
    known = tmp_path / "known.pem"
    known.write_text(ours.pem)
    assert shaken_hands(ours.server_context(), client_context(known))
    foreign = own_certificate(*written(tmp_path / "foreign"))
    with pytest.raises(ssl.SSLCertVerificationError):
        shaken_hands(foreign.server_context(), client_context(known))
    # One's own that no authority signed, and that is for another name.
    known.write_text(foreign.pem)
    assert shaken_hands(foreign.server_context(), client_context(known))


def shaken_hands(server: ssl.SSLContext, client: ssl.SSLContext) -> bool:
    ours, theirs = socket.socketpair()

    def serve() -> None:
        try:
            server.wrap_socket(ours, server_side=True).close()
        except OSError:
            ours.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(theirs, server_hostname="127.0.0.1") as wrapped:
            return wrapped.version() is not None
    finally:
        theirs.close()
        thread.join()
