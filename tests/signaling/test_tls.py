"""TLS: which certificates are trusted, and how a handshake fails, with either library."""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from locust_softphone.errors import AttemptFailed, InputError
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.signaling import tls
from locust_softphone.signaling.http import HttpConnection
from locust_softphone.signaling.softphone import Softphone
from locust_softphone.signaling.target import Target
from tests.edge_process import EdgeProcess, running_edge
from tests.signaling.scripted_server import read_head, serving
from tests.signaling.softphones import PATIENT_S, Observations, Time, a_fleet


class Authority:
    """A private certificate authority, and edges with its certificates."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ca = trustme.CA()
        self.ca_file = str(folder / "ca.pem")
        self._ca.cert_pem.write_to_path(self.ca_file)

    def certificate(self, name: str) -> tuple[Path, Path]:
        issued, paths = self._ca.issue_cert(name), (self._folder / f"{name}.pem", self._folder / f"{name}.key")
        issued.cert_chain_pems[0].write_to_path(paths[0])
        issued.private_key_pem.write_to_path(paths[1])
        return paths

    def serving_tls(self, connection: socket.socket, name: str = "127.0.0.1") -> ssl.SSLSocket:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.certificate(name))
        return context.wrap_socket(connection, server_side=True)

    def trusted_at(self, target: Target) -> Target:
        """The same target over TLS, verified against this authority."""
        return Target.parse(target.url.replace("http", "https"), ca_file=self.ca_file)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(params=["rustls", "ssl"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the two TLS libraries: rustls for most platforms, ssl for the others."""
    if request.param == "rustls":
        pytest.importorskip("rtls", reason="no wheel of rtls for this platform")
    else:
        monkeypatch.setattr(tls, "rtls", None)


@pytest.fixture(scope="module")
def edge(authority: Authority) -> Iterator[EdgeProcess]:
    with running_edge(tls=authority.certificate("127.0.0.1")) as running:
        yield running


@pytest.mark.usefixtures("engine")
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


@pytest.mark.usefixtures("engine")
def test_a_call_over_tls(edge: EdgeProcess, authority: Authority) -> None:
    seen = Observations()
    target = Target.parse(edge.url, ca_file=authority.ca_file).reached(PATIENT_S)
    phone = Softphone(a_fleet(target, seen, Time()), 0, 0.0)
    assert phone.call()
    phone.hang_up()
    assert {each.outcome for each in seen.attempts} == {Outcome.OK}
    assert edge.stats()["closes"]["1000"] >= 1


@pytest.mark.usefixtures("engine")
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
def test_a_body_without_a_length_ends_with_a_close_notify(
    authority: Authority, whole: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anyone on the way can send a FIN: without a close_notify, something may be missing (RFC 9112 9.8)."""

    monkeypatch.setattr(tls, "rtls", None)  # which does not tell the two ends apart

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


@pytest.mark.usefixtures("engine")
def test_a_certificate_of_an_authority_that_is_not_trusted(edge: EdgeProcess) -> None:
    with pytest.raises(AttemptFailed) as caught:
        Target.parse(edge.url).reached(PATIENT_S)
    assert caught.value.outcome is Outcome.TLS_FAILED


@pytest.mark.usefixtures("engine")
def test_a_certificate_for_another_host(authority: Authority) -> None:
    with running_edge(tls=authority.certificate("edge.example")) as edge, pytest.raises(AttemptFailed) as caught:
        Target.parse(edge.url, ca_file=authority.ca_file).reached(PATIENT_S)
    assert caught.value.outcome is Outcome.TLS_FAILED


@pytest.mark.usefixtures("engine")
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


@pytest.mark.usefixtures("engine")
def test_tls_to_an_edge_without_it(authority: Authority) -> None:
    with running_edge() as edge, pytest.raises(AttemptFailed) as caught:
        Target.parse(edge.url.replace("http", "https"), ca_file=authority.ca_file).reached(PATIENT_S)
    assert caught.value.outcome is Outcome.TLS_FAILED


@pytest.mark.usefixtures("engine")
def test_a_failed_handshake_of_tls_is_an_attempt_that_never_arrived(edge: EdgeProcess) -> None:
    seen = Observations()
    untrusting = Target.parse(edge.url).resolved()
    assert not Softphone(a_fleet(untrusting, seen, Time()), 0, 0.0).call()
    assert seen.outcomes("token") == ["tls_failed"]  # and no retry, which would not help


@pytest.mark.usefixtures("engine")
def test_an_edge_that_closes_in_the_middle_of_the_tls_handshake(authority: Authority) -> None:
    def hang_up(connection: socket.socket) -> None:
        connection.recv(1)
        connection.shutdown(socket.SHUT_WR)

    with serving(hang_up) as plain, pytest.raises(AttemptFailed) as caught:
        authority.trusted_at(plain).connect(PATIENT_S)
    assert caught.value.outcome is Outcome.TLS_FAILED


@pytest.mark.usefixtures("engine")
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


def test_a_target_keeps_its_context(edge: EdgeProcess, authority: Authority) -> None:
    target = Target.parse(edge.url, ca_file=authority.ca_file)
    assert target.resolved().tls is target.reached(PATIENT_S).tls is target.tls


def test_a_ca_file_without_a_certificate(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    for name in ("ca.pem", "missing.pem"):
        with pytest.raises(InputError, match=re.escape(f"--softphone-ca {tmp_path / name}: no readable PEM")):
            Target.parse("https://edge.example", ca_file=str(tmp_path / name))
