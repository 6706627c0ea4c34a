"""Certificates for https: one's own files, or one made here; and how the programs of this computer trust it."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import ipaddress
import os
import ssl
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.errors import StartupError
from server.this_computer import computer_name, lan_names

SELF_MADE_FILE = "tls.pem"
VALID_DAYS = 397
RENEW_DAYS = 30
MOST_NAMES = 40


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate in use. `pem` is the server's own, without chain and key; `expires_at` is UTC."""

    certificate_file: Path
    key_file: Path
    pem: str
    expires_at: datetime.datetime

    @property
    def fingerprint(self) -> str:
        return fingerprint_of(self.pem)

    def server_context(self) -> ssl.SSLContext:
        """What the server speaks TLS with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate_file, self.key_file)
        return context


def fingerprint_of(pem: str) -> str:
    """SHA-256 of the certificate, as browsers show it: pairs of hex digits with colons."""
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest().upper()
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))


def client_context(certificate: str | Path) -> ssl.SSLContext:
    """Trust for exactly the certificate in this file, whatever names are in it. Raises OSError when it is not there."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    # It need not be signed by anybody: it is known.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(certificate)
    return context


def opener_for(certificate: str) -> urllib.request.OpenerDirector:
    """Opens addresses of the server of this computer, which shows the certificate of that file (empty: plain http).

    No proxy of the environment is asked: it would see the control token.
    """
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if certificate:
        handlers.append(urllib.request.HTTPSHandler(context=client_context(certificate)))
    return urllib.request.build_opener(*handlers)


def own_certificate(certificate_file: Path, key_file: Path) -> Certificate:
    """A person's own files, checked. Raises StartupError that says what is wrong with them."""
    from cryptography import x509  # https alone needs it
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    chain = _read(certificate_file, "certificate", "GRIDBEAR_TLS_CERTIFICATE")
    secret = _read(key_file, "key", "GRIDBEAR_TLS_KEY")
    try:
        certificate = x509.load_pem_x509_certificates(chain)[0]
    except ValueError:
        raise StartupError(f"{certificate_file} holds no certificate in PEM form (GRIDBEAR_TLS_CERTIFICATE).") from None
    try:
        key: Any = load_pem_private_key(secret, None)
    except TypeError:
        raise StartupError(f"The key {key_file} has a password; store it without (GRIDBEAR_TLS_KEY).") from None
    except ValueError:
        raise StartupError(f"{key_file} holds no private key in PEM form (GRIDBEAR_TLS_KEY).") from None
    if key.public_key() != certificate.public_key():
        raise StartupError(f"The key {key_file} does not belong to the certificate {certificate_file}.")
    now = datetime.datetime.now(datetime.UTC)
    if certificate.not_valid_after_utc <= now:
        raise StartupError(
            f"The certificate {certificate_file} expired on {certificate.not_valid_after_utc:%Y-%m-%d}: renew it."
        )
    if certificate.not_valid_before_utc > now:
        raise StartupError(
            f"The certificate {certificate_file} is valid from {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC; "
            "check the clock of this computer."
        )
    return Certificate(certificate_file, key_file, _pem(certificate), certificate.not_valid_after_utc)


def self_made_certificate(folder: Path, host: str) -> Certificate:
    """The certificate made here for a server that listens on `host`, kept in `folder`.

    It is made anew 30 days before its end, and when this computer has a name or address that is not in it. Earlier
    names stay: a laptop that comes back to a network shows the certificate that was accepted there.
    """
    path = folder / SELF_MADE_FILE
    wanted = _names(host)
    known: list[str] = []
    with contextlib.suppress(OSError, ValueError, StartupError):
        found = own_certificate(path, path)
        known = names_in(found.pem)
        left = found.expires_at - datetime.datetime.now(datetime.UTC)
        if set(wanted) <= set(known) and left > datetime.timedelta(days=RENEW_DAYS):
            return found
    _make(path, [*wanted, *(name for name in known if name not in wanted)][:MOST_NAMES])
    return own_certificate(path, path)


def names_in(pem: str) -> list[str]:
    """The names and addresses that a certificate is for."""
    from cryptography import x509

    certificate = x509.load_pem_x509_certificate(pem.encode())
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [str(name.value) for name in names]


def _names(host: str) -> list[str]:
    names = ["localhost", "127.0.0.1", "::1", *sorted(name.strip("[]") for name in lan_names(host))]
    return list(dict.fromkeys([*names, computer_name()]))


def _make(path: Path, names: Sequence[str]) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from cryptography.x509.oid import ExtendedKeyUsageOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"GridBear on {computer_name()}"[:64])])
    # A clock that is a little behind must not find it from the future.
    begin = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.write(certificate.public_bytes(Encoding.PEM))
    draft.replace(path)


def _general_name(name: str) -> Any:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name.encode("idna").decode() if not name.isascii() else name)


def _pem(certificate: Any) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding

    return str(certificate.public_bytes(Encoding.PEM).decode())


def _read(path: Path, what: str, variable: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StartupError(f"The {what} {path} can't be read ({error.strerror or error}): see {variable}.") from None
