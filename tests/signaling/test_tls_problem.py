"""What a failed TLS connection is said to lack, with real servers; the advice is never what was followed already."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from locust_softphone.errors import AttemptFailed
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.signaling.http import HttpConnection
from locust_softphone.signaling.target import Target
from tests.signaling.scripted_server import read_head, serving
from tests.signaling.softphones import PATIENT_S
from tests.signaling.test_tls import demand_a_certificate, only

YESTERDAY, TOMORROW = datetime.now(UTC) - timedelta(days=1), datetime.now(UTC) + timedelta(days=1)
HOST = "127.0.0.1"


class Certificates:
    """A private authority's certificates, and self-signed ones of ``openssl req``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = trustme.CA()
        self.ca_file = folder / "authority.pem"
        self.authority.cert_pem.write_to_path(self.ca_file)
        self.other_file = folder / "other.pem"
        trustme.CA().cert_pem.write_to_path(self.other_file)

    def signed(self, context: ssl.SSLContext, *names: str, **dates: Any) -> None:
        self.authority.issue_cert(*names, **dates).configure_cert(context)

    def self_signed(self, context: ssl.SSLContext, *options: str) -> Path:
        """What most people make: an authority (CA:TRUE) that is the server's own certificate."""
        key, file = self.folder / "self.key", self.folder / "self.pem"
        make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=edge", *options]
        subprocess.run([*make, "-keyout", str(key), "-out", str(file)], check=True, capture_output=True)
        context.load_cert_chain(file, key)
        return file


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@contextmanager
def a_server(prepare: Callable[[ssl.SSLContext], object], connections: int = 1) -> Iterator[Target]:
    """A server with this TLS that answers a request on each of so many connections."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    prepare(context)

    def answers(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            read_head(secured)
            secured.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with serving(*[answers] * connections) as plain:
        yield plain


def failure(server: Target, ca_file: Path | None) -> AttemptFailed:
    """How a request over TLS fails."""
    target = Target.parse(server.url.replace("http", "https"), ca_file=str(ca_file) if ca_file else None).resolved()
    with pytest.raises(AttemptFailed) as caught:
        HttpConnection(target).request("GET", "/", "", b"", PATIENT_S)
    assert caught.value.outcome is Outcome.TLS_FAILED
    return caught.value


def san(name: str) -> tuple[str, ...]:
    return "-addext", f"subjectAltName={name}"


def _expired(made: Certificates, context: ssl.SSLContext) -> None:
    made.signed(context, HOST, not_after=YESTERDAY)


def _not_yet_valid(made: Certificates, context: ssl.SSLContext) -> None:
    made.signed(context, HOST, not_before=TOMORROW, not_after=TOMORROW + timedelta(days=1))


def _for_others(made: Certificates, context: ssl.SSLContext) -> None:
    made.signed(context, "edge.example", "*.edge.example", "127.0.0.2")


def _for_many(made: Certificates, context: ssl.SSLContext) -> None:
    made.signed(context, *(f"edge{n}.example" for n in range(9)))


def _tls_1_1(made: Certificates, context: ssl.SSLContext) -> None:
    made.signed(context, HOST)
    only(context, ssl.TLSVersion.TLSv1_1, "ALL")


def _old_cipher(made: Certificates, context: ssl.SSLContext) -> None:
    made.signed(context, HOST)
    only(context, ssl.TLSVersion.TLSv1_2, "AES128-SHA")


def _asks_with_tls_1_2(made: Certificates, context: ssl.SSLContext) -> None:
    made.signed(context, HOST)
    demand_a_certificate(context, ssl.TLSVersion.TLSv1_2)


def _asks_with_tls_1_3(made: Certificates, context: ssl.SSLContext) -> None:
    made.signed(context, HOST)
    demand_a_certificate(context, ssl.TLSVersion.TLSv1_3)


TOO_OLD = "its TLS version or its ciphers are too old: TLS 1.2 or 1.3 with ECDHE or DHE is required"
CLIENT = "it asks for a client certificate, and softphones have none"


@pytest.mark.parametrize(
    ("prepare", "reason", "detail"),
    [
        (_expired, "certificate expired", f"its certificate expired on {YESTERDAY:%Y-%m-%d %H:%M} UTC"),
        (
            _not_yet_valid,
            "certificate not yet valid",
            f"its certificate is not valid before {TOMORROW:%Y-%m-%d %H:%M} UTC; is the clock here right?",
        ),
        (
            _for_others,
            "certificate for another host",
            "its certificate is not for 127.0.0.1, but for edge.example, *.edge.example, 127.0.0.2: "
            "give a host that it is for",
        ),
        (
            _for_many,
            "certificate for another host",
            "its certificate is not for 127.0.0.1, but for edge0.example, edge1.example, edge2.example, "
            "edge3.example, edge4.example and 4 more: give a host that it is for",
        ),
        (_tls_1_1, "TLS version or ciphers too old", TOO_OLD),
        (_old_cipher, "TLS version or ciphers too old", TOO_OLD),
        (_asks_with_tls_1_2, "client certificate asked for, softphones have none", CLIENT),
        (_asks_with_tls_1_3, "client certificate asked for, softphones have none", CLIENT),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",  # not the time, which differs between xdist's workers
)
def test_what_a_server_lacks(
    certificates: Certificates,
    prepare: Callable[[Certificates, ssl.SSLContext], None],
    reason: str,
    detail: str,
) -> None:
    with a_server(lambda context: prepare(certificates, context)) as server:
        failed = failure(server, certificates.ca_file)
    assert (failed.reason, failed.detail) == (reason, detail)


def test_an_authority_that_is_not_trusted(certificates: Certificates) -> None:
    with a_server(lambda context: certificates.signed(context, HOST), 2) as server:
        by_default, with_another = failure(server, None), failure(server, certificates.other_file)
    assert by_default.reason == with_another.reason == "certificate of an unknown authority"
    assert by_default.detail.startswith("its certificate is signed by ")
    assert "trustme" in by_default.detail
    assert by_default.detail.endswith("give the certificate of that authority with --softphone-ca FILE")
    assert f"which is not in {certificates.other_file}" in with_another.detail
    assert "--softphone-ca FILE" not in with_another.detail, "that was done already"


needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


@needs_openssl
def test_a_self_signed_certificate_of_openssl(certificates: Certificates) -> None:
    made: list[Path] = []
    with a_server(lambda context: made.append(certificates.self_signed(context, *san(f"IP:{HOST}"))), 3) as server:
        by_default, with_another = failure(server, None), failure(server, certificates.ca_file)
        trusted = Target.parse(server.url.replace("http", "https"), ca_file=str(made[0])).resolved()
        assert HttpConnection(trusted).request("GET", "/", "", b"", PATIENT_S).status == 204
    assert by_default.detail == "its certificate is self-signed and is not trusted: give it with --softphone-ca FILE"
    assert with_another.detail == f"its certificate is self-signed and is not the one in {certificates.ca_file}"


@needs_openssl
def test_a_self_signed_certificate_without_names(certificates: Certificates) -> None:
    made: list[Path] = []
    with a_server(lambda context: made.append(certificates.self_signed(context))) as server:
        failed = failure(server, made[0])
    assert failed.detail == (
        "its certificate has no alternative names (subjectAltName), so it is for no host; with openssl req: "
        '-addext "subjectAltName=IP:127.0.0.1"'
    )


def test_no_tls_there() -> None:
    def answers_in_plain_text(connection: socket.socket) -> None:
        connection.recv(1024)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with serving(answers_in_plain_text) as server:
        failed = failure(server, None)
    assert failed.reason == "no TLS there"
    assert failed.detail == "there is no TLS on this port: write http://, or give a port that has TLS"


def test_a_server_that_needs_tls(certificates: Certificates) -> None:
    with a_server(lambda context: certificates.signed(context, HOST)) as server:
        assert server.resolved().needs_tls()
    with serving(lambda connection: connection.close()) as server:
        assert not server.resolved().needs_tls()


def test_a_long_name_of_a_certificate_is_shortened(certificates: Certificates) -> None:
    name = "a" * 60 + "." + "b" * 60 + ".example"
    with a_server(lambda context: certificates.signed(context, name)) as server:
        failed = failure(server, certificates.ca_file)
    assert "a.bbbb" in failed.detail
    assert "…" in failed.detail
