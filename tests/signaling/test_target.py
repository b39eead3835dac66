"""Targets: what can be written as one, what it becomes, and whom TLS trusts."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from locust_softphone.errors import AttemptFailed, InputError
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.signaling import tls
from locust_softphone.signaling.softphone import Softphone
from locust_softphone.signaling.target import Target
from tests.edge_process import EdgeProcess, running_edge
from tests.signaling.scripted_server import serving
from tests.signaling.softphones import PATIENT_S, Observations, Time, a_fleet


@pytest.mark.parametrize(
    ("url", "host", "port", "tls", "authority", "why"),
    [
        ("http://127.0.0.1:8080", "127.0.0.1", 8080, False, "127.0.0.1:8080", "plain"),
        ("https://edge.example", "edge.example", 443, True, "edge.example", "a default port is not written"),
        ("http://edge.example/", "edge.example", 80, False, "edge.example", "a bare slash is no path"),
        ("wss://edge.example:443", "edge.example", 443, True, "edge.example", "a WebSocket's scheme does as well"),
        ("ws://edge.example:443", "edge.example", 443, False, "edge.example:443", "443 is no default for plain TCP"),
        ("HTTPS://Edge.Example:8443", "edge.example", 8443, True, "edge.example:8443", "case does not matter"),
        ("http://[::1]:8080", "::1", 8080, False, "[::1]:8080", "IPv6 in brackets, RFC 3986 3.2.2"),
        ("https://[2001:db8::1]", "2001:db8::1", 443, True, "[2001:db8::1]", "and without a port"),
    ],
)
def test_a_target(url: str, host: str, port: int, tls: bool, authority: str, why: str) -> None:
    target = Target.parse(url)
    assert (target.host, target.port, target.tls is not None) == (host, port, tls), why
    assert target.authority == authority, why
    assert target.url == f"{'https' if tls else 'http'}://{authority}", why


EXAMPLE = "write it like https://edge.example or http://127.0.0.1:8080"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("edge.example", "not an http, https, ws or wss URL"),
        ("127.0.0.1:8080", "not an http, https, ws or wss URL"),
        ("ftp://edge.example", "not an http, https, ws or wss URL"),
        ("http://", "not an http, https, ws or wss URL"),
        ("http://:8080", "not an http, https, ws or wss URL"),
        ("http://edge.example:http", "not a URL"),
        ("http://edge.example:70000", "not a URL"),
        ("http://edge.example:0", "nothing listens on port 0"),
        ("http://[::1", "not a URL"),
        ("https://edge.example/signaling", "only scheme, host and port; the paths are the dialect's"),
        ("https://edge.example?a=b", "only scheme, host and port; the paths are the dialect's"),
    ],
)
def test_what_is_no_target(url: str, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        Target.parse(url)
    assert caught.value.problems == (f"--host {url!r}: {problem}, {EXAMPLE}",)


@pytest.mark.parametrize(
    "url", ["https://me:hush@edge.example", "https://hush@edge.example", "ftp://me:hush@edge", "http://me:hush@edge:x"]
)
def test_credentials_in_a_url_are_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(InputError) as caught:
        Target.parse(url)
    assert caught.value.problems == (
        "--host: no credentials in a URL, they would end up in logs; use --softphone-client-id",
    )


@pytest.mark.parametrize(
    ("url", "loopback", "why"),
    [
        ("http://127.0.0.1:1", True, "this machine"),
        ("http://127.8.9.10:1", True, "all of 127/8 is"),
        ("http://[::1]:1", True, "in IPv6"),
        ("http://[::ffff:127.0.0.1]:1", True, "IPv4 in IPv6, RFC 4291 2.5.5.2"),
        ("http://localhost:1", True, "by name"),
        ("http://0.0.0.0:1", False, "every address is not only this machine's"),
        ("http://192.0.2.1:1", False, "somebody else's"),
        ("http://[::ffff:192.0.2.1]:1", False, "somebody else's, in IPv6"),
        ("http://[::]:1", False, "every address, in IPv6"),
        ("http://127.1:1", False, "nothing that has to be guessed"),
        ("http://2130706433:1", False, "nor counted out"),
        ("http://localhost.:1", False, "no name but the one"),
        ("http://localhost.example:1", False, "a name that only looks like it"),
    ],
)
def test_what_can_only_be_this_machine(url: str, loopback: bool, why: str) -> None:
    assert Target.parse(url).is_loopback is loopback, why


def test_a_ca_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    for name in ("ca.pem", "missing.pem"):
        with pytest.raises(InputError, match=re.escape(f"--softphone-ca {tmp_path / name}: no readable PEM")):
            Target.parse("https://edge.example", ca_file=str(tmp_path / name))


def test_what_a_name_resolves_to_is_held_to_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """The addresses that are checked are those that are connected to: DNS is asked once, whatever it answers later."""
    answers = iter([["127.0.0.1"], ["127.0.0.1", "192.0.2.1"], ["::ffff:192.0.2.1"]])
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", (each, 1)) for each in next(answers)])
    assert Target.parse("http://localhost:1").resolved().addresses == ((2, ("127.0.0.1", 1)),)
    for elsewhere in ("192.0.2.1", "::ffff:192.0.2.1"):
        with pytest.raises(InputError) as caught:
            Target.parse("http://localhost:1").resolved()
        assert str(caught.value).startswith(
            f"--host http://localhost:1: localhost is {elsewhere}, not this machine. A l"
        )


def test_an_address_of_another_machine_is_taken_only_when_authorized() -> None:
    with pytest.raises(InputError):
        Target.parse("http://192.0.2.1:1").resolved()
    assert len(Target.parse("http://192.0.2.1:1", authorized=True).resolved().addresses) == 1


# TLS


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

    def serving_tls(self, connection: socket.socket) -> ssl.SSLSocket:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.certificate("127.0.0.1"))
        return context.wrap_socket(connection, server_side=True)

    def trusted_at(self, target: Target) -> Target:
        """The same place over TLS, verified against this authority."""
        return Target.parse(target.url.replace("http", "https"), ca_file=self.ca_file)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(params=["rustls", "ssl"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the two that may do TLS: the one for most platforms, and the one for all others."""
    if request.param == "rustls":
        pytest.importorskip("rtls", reason="no wheel of rtls for this platform")
    else:
        monkeypatch.setattr(tls, "rtls", None)


@pytest.fixture(scope="module")
def edge(authority: Authority) -> Iterator[EdgeProcess]:
    with running_edge(tls=authority.certificate("127.0.0.1")) as running:
        yield running


@pytest.mark.usefixtures("engine")
def test_a_connection_that_asks_for_nothing_has_shaken_hands(authority: Authority) -> None:
    """The last of a handshake goes out with the first request, or else when the connection is closed."""
    shaken: list[str | None] = []

    def shakes_hands(connection: socket.socket) -> None:
        with authority.serving_tls(connection) as secured:  # returns when the client's Finished has come
            shaken.append(secured.version())

    with serving(shakes_hands) as target:
        trusted = authority.trusted_at(target)
        trusted.connect(PATIENT_S).close()
    assert shaken == ["TLSv1.3"]


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
def test_tls_to_an_edge_without_it(authority: Authority) -> None:
    with running_edge() as edge, pytest.raises(AttemptFailed) as caught:
        Target.parse(edge.url.replace("http", "https"), ca_file=authority.ca_file).reached(PATIENT_S)
    assert caught.value.outcome is Outcome.TLS_FAILED


@pytest.mark.usefixtures("engine")
def test_a_failed_handshake_of_tls_is_an_attempt_that_never_arrived(edge: EdgeProcess) -> None:
    seen = Observations()
    untrusting = Target.parse(edge.url).resolved()
    assert not Softphone(a_fleet(untrusting, seen, Time()), 0, 0.0).call()
    assert seen.outcomes("token") == ["tls_failed"]  # and no other try: it would not help


@pytest.mark.usefixtures("engine")
def test_an_edge_that_closes_in_the_middle_of_the_tls_handshake(authority: Authority) -> None:
    def hang_up(connection: socket.socket) -> None:
        connection.recv(1)
        connection.shutdown(socket.SHUT_WR)

    with serving(hang_up) as plain, pytest.raises(AttemptFailed) as caught:
        authority.trusted_at(plain).connect(PATIENT_S)
    assert caught.value.outcome is Outcome.TLS_FAILED


@pytest.mark.usefixtures("engine")
def test_more_than_one_record_goes_and_comes_whole(authority: Authority) -> None:
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
        assert stream.recv(1) == b"", "and then it has closed"
        stream.close()


def test_a_target_keeps_its_one_context(edge: EdgeProcess, authority: Authority) -> None:
    target = Target.parse(edge.url, ca_file=authority.ca_file)
    assert target.resolved().tls is target.reached(PATIENT_S).tls is target.tls


# Addresses


def test_of_several_addresses_only_those_that_answer_are_kept(edge: EdgeProcess, authority: Authority) -> None:
    found = Target.parse(edge.url, ca_file=authority.ca_file).resolved()
    (family, (host, port)) = found.addresses[0]
    several = Target(found.host, found.port, found.tls, ((family, ("127.0.0.2", 1)), (family, (host, port))))
    assert several.reached(PATIENT_S).addresses == ((family, (host, port)),)


def test_softphones_are_spread_over_the_addresses(edge: EdgeProcess, authority: Authority) -> None:
    found = Target.parse(edge.url, ca_file=authority.ca_file).resolved()
    (family, (host, port)) = found.addresses[0]
    several = Target(found.host, found.port, found.tls, ((family, (host, port)), (family, (host, 1))))
    outcomes = []
    for choice in range(4):
        try:
            several.connect(PATIENT_S, choice).close()
            outcomes.append("connected")
        except AttemptFailed as failed:
            outcomes.append(failed.outcome.value)
    assert outcomes == ["connected", "connect_refused"] * 2
