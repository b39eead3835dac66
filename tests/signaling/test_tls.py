"""TLS: which certificates are trusted, how a handshake fails, and which handshakes are resumed."""

from __future__ import annotations

import re
import socket
import ssl
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from tempfile import mkdtemp
from threading import Event, Thread

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from OpenSSL import SSL

from locust_softphone.errors import AttemptFailed, InputError
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.signaling.hosts import Hosts
from locust_softphone.signaling.http import HttpConnection
from locust_softphone.signaling.softphone import Softphone
from locust_softphone.signaling.target import Target
from locust_softphone.signaling.tls import is_for
from tests.edge_process import EdgeProcess, running_edge
from tests.signaling.scripted_server import Script, read_head, serving
from tests.signaling.softphones import PATIENT_S, Observations, Time, a_fleet


class Authority:
    """A private certificate authority, and edges with its certificates."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ca = trustme.CA()
        self.ca_file = str(folder / "ca.pem")
        self._ca.cert_pem.write_to_path(self.ca_file)

    def certificate(self, *names: str, common_name: str | None = None) -> tuple[Path, Path]:
        """The files of a new certificate and its key."""
        issued = self._ca.issue_cert(*names, common_name=common_name)
        folder = Path(mkdtemp(dir=self._folder))
        paths = folder / "edge.pem", folder / "edge.key"
        issued.cert_chain_pems[0].write_to_path(paths[0])
        issued.private_key_pem.write_to_path(paths[1])
        return paths

    def server_context(self, name: str = "127.0.0.1") -> ssl.SSLContext:
        """TLS for a server of this name."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.certificate(name))
        context.load_verify_locations(self.ca_file)
        return context

    def serving_tls(
        self,
        connection: socket.socket,
        name: str = "127.0.0.1",
        *,
        change: Callable[[ssl.SSLContext], None] | None = None,
    ) -> ssl.SSLSocket:
        context = self.server_context(name)
        if change:
            change(context)
        return context.wrap_socket(connection, server_side=True)

    def trusted_at(self, target: Target) -> Target:
        """The same target over TLS, verified against this authority."""
        return Target.parse(target.url.replace("http", "https"), ca_file=self.ca_file)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def edge(authority: Authority) -> Iterator[EdgeProcess]:
    with running_edge(tls=authority.certificate("127.0.0.1")) as running:
        yield running


def test_a_connection_without_a_request_completes_its_handshake(authority: Authority) -> None:
    """The end of a handshake is sent with the first request, or when the connection is closed."""
    versions: list[str | None] = []

    def does_the_handshake(connection: socket.socket) -> None:
        with authority.serving_tls(connection) as secured:  # returns when the client's Finished has come
            versions.append(secured.version())

    with serving(does_the_handshake) as target:
        trusted = authority.trusted_at(target)
        trusted.connect(PATIENT_S).close()
    assert versions == ["TLSv1.3"]


def test_a_call_over_tls(edge: EdgeProcess, authority: Authority) -> None:
    seen = Observations()
    target = Target.parse(edge.url, ca_file=authority.ca_file).reached(PATIENT_S)
    phone = Softphone(a_fleet(target, seen, Time()), 0, 0.0)
    assert phone.call()
    phone.hang_up()
    assert {each.outcome for each in seen.attempts} == {Outcome.OK}
    assert edge.stats()["closes"]["1000"] >= 1


@pytest.mark.parametrize("records", [0, 1, 2, 3, 5, 7], ids=lambda records: f"after {records} records")
def test_a_server_that_sends_byte_by_byte(edge: EdgeProcess, authority: Authority, records: int) -> None:
    """In the handshake, in the response's head or in its body: the attempt ends at its timeout."""
    seen = Observations()
    with serving(_slowly(Target.parse(edge.url).resolved(), records)) as target:
        secured = authority.trusted_at(target).resolved()
        phone = Softphone(a_fleet(secured, seen, Time(), timeout="300ms", retry={"max_retries": 0}), 0, 0.0)
        phone.call()
        phone.hang_up()
    assert [(each.step, each.outcome) for each in seen.attempts] == [("token", Outcome.TIMED_OUT)]


def _slowly(server: Target, records: int) -> Script:
    """Forward to a server; of what it sends, only the first records (RFC 8446 5.1) at once, then a byte each 20 ms."""

    def forward(connection: socket.socket) -> None:
        with socket.create_connection((server.host, server.port)) as there, there.makefile("rb") as answers:
            Thread(target=_copy, args=(connection, there), daemon=True).start()
            for _ in range(records):
                head = answers.read(5)
                connection.sendall(head + answers.read(int.from_bytes(head[3:], "big")))
            while byte := answers.read(1):
                connection.sendall(byte)
                time.sleep(0.02)

    return forward


def _copy(source: socket.socket, to: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            to.sendall(data)


def test_after_the_first_handshake_only_a_key_of_the_chosen_group_is_offered(authority: Authority) -> None:
    """A post-quantum key takes 1,184 bytes of a ClientHello (draft-ietf-tls-ecdhe-mlkem 4.1)."""
    sizes: list[int] = []

    def takes_one_group(context: ssl.SSLContext) -> None:
        context.set_ecdh_curve("prime256v1")

    def does_the_handshake(connection: socket.socket) -> None:
        sizes.append(len(connection.recv(65_536, socket.MSG_PEEK)))
        with authority.serving_tls(connection, change=takes_one_group) as secured:
            secured.recv(1)

    with serving(*[does_the_handshake] * 3) as target:
        trusted = authority.trusted_at(target)
        assert trusted.tls is not None
        for _ in range(3):
            trusted.connect(PATIENT_S).close()
    assert trusted.tls.group == "secp256r1"
    assert sizes[0] > 1184 > sizes[1] == sizes[2]


@pytest.mark.parametrize("closes", [False, True])
def test_a_kept_connection_over_tls(authority: Authority, closes: bool) -> None:
    """A session ticket that has come is not data (RFC 8446 4.6.1); a close_notify is a close (6.1)."""

    def answers(connection: socket.socket) -> None:
        with authority.serving_tls(connection) as secured:
            for _ in range(2):
                read_head(secured)
                secured.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                if closes:
                    secured.unwrap()
                    return

    with serving(*[answers] * (2 if closes else 1)) as target:
        http = HttpConnection(authority.trusted_at(target))
        for _ in range(2):
            http.post("/", "", b"", PATIENT_S)
            time.sleep(0.1)  # what follows the response comes
        assert http.close_idle() == closes


@pytest.mark.parametrize("whole", [True, False])
def test_a_body_without_a_length_ends_with_a_close_notify(authority: Authority, whole: bool) -> None:
    """Anyone on the way can send a FIN: without a close_notify, something may be missing (RFC 9112 9.8)."""

    def answers(connection: socket.socket) -> None:
        with authority.serving_tls(connection) as secured:
            read_head(secured)
            secured.sendall(b"HTTP/1.1 200 OK\r\n\r\nhi")
            if whole:
                secured.unwrap()

    with serving(answers) as target:
        http = HttpConnection(authority.trusted_at(target))
        if whole:
            assert http.post("/", "", b"", PATIENT_S).body == b"hi"
            return
        with pytest.raises(AttemptFailed) as caught:
            http.post("/", "", b"", PATIENT_S)
    assert (caught.value.outcome, caught.value.status) == (Outcome.LOST, 200)


def test_a_certificate_of_an_authority_that_is_not_trusted(edge: EdgeProcess) -> None:
    with pytest.raises(AttemptFailed) as caught:
        Target.parse(edge.url).reached(PATIENT_S)
    assert caught.value.outcome is Outcome.TLS_FAILED


def test_a_certificate_for_another_host(authority: Authority) -> None:
    with running_edge(tls=authority.certificate("edge.example")) as edge, pytest.raises(AttemptFailed) as caught:
        Target.parse(edge.url, ca_file=authority.ca_file).reached(PATIENT_S)
    assert caught.value.outcome is Outcome.TLS_FAILED


def test_a_host_name_that_is_not_ascii(authority: Authority) -> None:
    """Its A-labels are in SNI, in the certificate (RFC 9525 2) and in Host (RFC 9110 4.2.3)."""
    requests = []

    def answers(connection: socket.socket) -> None:
        with authority.serving_tls(connection, "xn--bcher-kva.example") as secured:
            requests.append(read_head(secured))
            secured.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with serving(answers) as plain:
        target = Target.parse(f"https://bücher.example:{plain.port}", ca_file=authority.ca_file)
        HttpConnection(replace(target, addresses=plain.addresses)).post("/", "", b"", PATIENT_S)
    assert f"\r\nHost: xn--bcher-kva.example:{plain.port}\r\n".encode() in requests[0]


def test_tls_to_an_edge_without_it(authority: Authority) -> None:
    with running_edge() as edge, pytest.raises(AttemptFailed) as caught:
        Target.parse(edge.url.replace("http", "https"), ca_file=authority.ca_file).reached(PATIENT_S)
    assert caught.value.outcome is Outcome.TLS_FAILED


def test_a_failed_handshake_of_tls_is_an_attempt_that_never_arrived(edge: EdgeProcess) -> None:
    seen = Observations()
    untrusting = Target.parse(edge.url).resolved()
    assert not Softphone(a_fleet(untrusting, seen, Time()), 0, 0.0).call()
    assert seen.outcomes("token") == ["tls_failed"]  # and no retry, which would not help


def test_an_edge_that_closes_in_the_middle_of_the_tls_handshake(authority: Authority) -> None:
    def hang_up(connection: socket.socket) -> None:
        connection.recv(1)
        connection.shutdown(socket.SHUT_WR)

    with serving(hang_up) as plain, pytest.raises(AttemptFailed) as caught:
        authority.trusted_at(plain).connect(PATIENT_S)
    assert caught.value.outcome is Outcome.TLS_FAILED


def test_data_of_several_records_is_sent_and_received_whole(authority: Authority) -> None:
    said = bytes(range(256)) * 1024  # 256 KB: sixteen records and more than a socket's buffer may take

    def echo(connection: socket.socket) -> None:
        with authority.serving_tls(connection) as secured:
            heard = bytearray()
            while len(heard) < len(said):
                heard += secured.recv(65_536)
            secured.sendall(heard)

    with serving(echo) as plain:
        stream = authority.trusted_at(plain).connect(PATIENT_S)
        stream.send(said)
        assert stream.read_exactly(len(said)) == said
        stream.close()


def test_close_notify_is_heard_at_once(authority: Authority) -> None:
    """RFC 8446 6.1: it is the end of the data, even if the TCP connection stays open."""
    heard = Event()

    def says_that_it_closes(connection: socket.socket) -> None:
        with authority.serving_tls(connection) as secured:
            secured.settimeout(0.1)
            with suppress(TimeoutError):  # the client's close_notify is not waited for
                secured.unwrap()
            heard.wait(PATIENT_S)

    with serving(says_that_it_closes) as plain:
        stream = authority.trusted_at(plain).connect(PATIENT_S)
        assert stream.recv(1) == b""
        heard.set()
        stream.close()


def test_closing_sends_a_close_notify(authority: Authority) -> None:
    ends: list[bytes] = []

    def waits(connection: socket.socket) -> None:
        with authority.serving_tls(connection) as secured:
            ends.append(secured.recv(1))  # without close_notify: ssl.SSLEOFError

    with serving(waits) as plain:
        authority.trusted_at(plain).connect(PATIENT_S).close()
    assert ends == [b""]


SERVERS: dict[str, Callable[[ssl.SSLContext], None]] = {
    "TLS 1.2 and a client certificate": lambda context: demand_a_certificate(context, ssl.TLSVersion.TLSv1_2),
    "TLS 1.3 and a client certificate": lambda context: demand_a_certificate(context, ssl.TLSVersion.TLSv1_3),
    "TLS 1.1 only": lambda context: only(context, ssl.TLSVersion.TLSv1_1, "ALL"),
    "RSA key exchange": lambda context: only(context, ssl.TLSVersion.TLSv1_2, "AES128-GCM-SHA256"),
    "a cipher with SHA-1": lambda context: only(context, ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-SHA"),
}


def demand_a_certificate(context: ssl.SSLContext, version: ssl.TLSVersion) -> None:
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = context.maximum_version = version


def only(context: ssl.SSLContext, version: ssl.TLSVersion, ciphers: str) -> None:
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        context.minimum_version = context.maximum_version = version
    context.set_ciphers(f"{ciphers}:@SECLEVEL=0")


@pytest.mark.parametrize("demands", SERVERS)
def test_a_server_that_demands_what_a_softphone_does_not_do(authority: Authority, demands: str) -> None:
    """The attempt has failed in TLS, and a retry would not help (RFC 8446 4.4.2.4, 6.2; RFC 9325 3.1, 4.1)."""

    def serve(connection: socket.socket) -> None:
        with authority.serving_tls(connection, change=SERVERS[demands]) as secured:
            read_head(secured)

    seen = Observations()
    with serving(serve) as plain:
        Softphone(a_fleet(authority.trusted_at(plain).resolved(), seen, Time()), 0, 0.0).call()
    assert seen.outcomes("token") == ["tls_failed"]


def test_a_renegotiation_is_refused(authority: Authority) -> None:
    """RFC 9325 3.5. OpenSSL's servers then end the connection."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    certificate, key = authority.certificate("127.0.0.1")
    context.use_certificate_file(str(certificate))
    context.use_privatekey_file(str(key))
    context.set_max_proto_version(SSL.TLS1_2_VERSION)

    def renegotiate(connection: socket.socket) -> None:
        connection.settimeout(None)  # pyOpenSSL does not wait on a socket with a timeout
        secured = SSL.Connection(context, connection)
        secured.set_accept_state()
        secured.do_handshake()
        secured.recv(1000)
        secured.renegotiate()
        secured.do_handshake()  # sends the HelloRequest
        with suppress(SSL.Error):
            secured.recv(1000)

    with serving(renegotiate) as plain, pytest.raises(AttemptFailed) as caught:
        HttpConnection(authority.trusted_at(plain)).post("/", "", b"", PATIENT_S)
    assert caught.value.outcome is Outcome.TLS_FAILED


NAMED = {
    ("edge.example", "edge.example"): True,
    ("EDGE.example", "edge.EXAMPLE"): True,
    ("edge.example.", "edge.example"): True,
    ("edge.example", "*.example"): False,  # would be all names of a top-level domain
    ("a.edge.example", "*.edge.example"): True,
    ("a.b.edge.example", "*.edge.example"): False,  # an asterisk is one label
    ("edge.example", "*.edge.example"): False,
    ("bücher.example", "xn--bcher-kva.example"): True,
    ("127.0.0.1", "127.0.0.1"): True,
    ("::1", "::1"): True,
    ("127.0.0.2", "127.0.0.1"): False,
}


@pytest.mark.parametrize(("host", "name"), NAMED)
def test_the_host_that_a_certificate_is_for(host: str, name: str) -> None:
    """RFC 9525 6.3, 6.5."""
    issued = trustme.CA().issue_cert(name).cert_chain_pems[0].bytes()
    asked = host.encode("idna").decode("ascii")
    assert is_for(asked, x509.load_pem_x509_certificate(issued)) is NAMED[host, name]


def test_a_common_name_is_not_a_name(authority: Authority) -> None:
    """RFC 9525 2: only the alternative names count."""
    with (
        running_edge(tls=authority.certificate(common_name="localhost")) as edge,
        pytest.raises(AttemptFailed) as caught,
    ):
        Target.parse(edge.url.replace("127.0.0.1", "localhost"), ca_file=authority.ca_file).reached(PATIENT_S)
    assert caught.value.outcome is Outcome.TLS_FAILED


@pytest.mark.parametrize("is_ca", [True, False])
def test_a_certificate_that_is_its_own_authority(tmp_path: Path, is_ca: bool) -> None:
    file = self_signed(tmp_path, is_ca=is_ca)
    with running_edge(tls=(file, file)) as edge:
        Target.parse(edge.url, ca_file=str(file)).reached(PATIENT_S)
        with pytest.raises(AttemptFailed) as caught:
            Target.parse(edge.url).reached(PATIENT_S)
    assert caught.value.outcome is Outcome.TLS_FAILED


def self_signed(folder: Path, *, is_ca: bool) -> Path:
    """A file with a key and its own certificate for 127.0.0.1."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an edge")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(is_ca, None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "self-signed.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    return file


def test_each_softphone_resumes_its_own_session(authority: Authority) -> None:
    """As browsers do (RFC 8446 2.2): a ticket is used once, and only by who got it."""
    resumed: list[bool | None] = []
    context = authority.server_context()

    def answers(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            resumed.append(secured.session_reused)
            read_head(secured)
            secured.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            secured.recv(1)

    with serving(*[answers] * 6) as plain:
        target = authority.trusted_at(plain)
        for softphone in (0, 1, 0, 0, 1, 2):
            http = HttpConnection(target, softphone)
            http.post("/", "", b"", PATIENT_S)
            http.close()
    assert resumed == [False, False, True, True, True, False]
    assert Hosts.one(target).take_handshakes() == {"tls_handshakes": 6, "tls_handshakes.full": 3}
    assert not Hosts.one(target).take_handshakes(), "they are counted once"


def test_the_system_authorities_are_those_of_pythons_ssl(
    edge: EdgeProcess, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", authority.ca_file)
    Target.parse(edge.url).reached(PATIENT_S)


def test_a_target_keeps_its_context(edge: EdgeProcess, authority: Authority) -> None:
    target = Target.parse(edge.url, ca_file=authority.ca_file)
    assert target.resolved().tls is target.reached(PATIENT_S).tls is target.tls


def test_a_ca_file_without_a_certificate(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    for name in ("ca.pem", "missing.pem"):
        with pytest.raises(InputError, match=re.escape(f"--softphone-ca {tmp_path / name}: no readable PEM")):
            Target.parse("https://edge.example", ca_file=str(tmp_path / name))
