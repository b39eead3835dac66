"""Targets: how they are written, which are on this machine, and which addresses are used."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from locust_softphone.errors import AttemptFailed, InputError
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.signaling.target import Target
from tests.edge_process import EdgeProcess, running_edge
from tests.signaling.softphones import PATIENT_S


@pytest.mark.parametrize(
    ("url", "host", "port", "tls", "authority", "why"),
    [
        ("http://127.0.0.1:8080", "127.0.0.1", 8080, False, "127.0.0.1:8080", "plain"),
        ("https://edge.example", "edge.example", 443, True, "edge.example", "a default port is not written"),
        ("http://edge.example/", "edge.example", 80, False, "edge.example", "a bare slash is not a path"),
        ("wss://edge.example:443", "edge.example", 443, True, "edge.example", "a WebSocket's scheme does as well"),
        (
            "ws://edge.example:443",
            "edge.example",
            443,
            False,
            "edge.example:443",
            "443 is not the default for plain TCP",
        ),
        ("HTTPS://Edge.Example:8443", "edge.example", 8443, True, "edge.example:8443", "case does not matter"),
        ("http://[::1]:8080", "::1", 8080, False, "[::1]:8080", "IPv6 in brackets, RFC 3986 3.2.2"),
        (
            "http://bücher.example",
            "xn--bcher-kva.example",
            80,
            False,
            "xn--bcher-kva.example",
            "A-labels, RFC 5890",
        ),
        (
            "http://BÜCHER。example",
            "xn--bcher-kva.example",
            80,
            False,
            "xn--bcher-kva.example",
            "mapped by UTS 46",
        ),
        ("https://straße.example", "xn--strae-oqa.example", 443, True, "xn--strae-oqa.example", "IDNA 2008, not 2003"),
        ("http://xn--bcher-kva.example", "xn--bcher-kva.example", 80, False, "xn--bcher-kva.example", "A-labels stay"),
        ("http://my_edge", "my_edge", 80, False, "my_edge", "other ASCII names stay, DNS decides about them"),
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
        ("http://☃.example", "not a URL"),
        ("http://ü..example", "not a URL"),
        (f"http://{'ü' * 64}.example", "not a URL"),
        ("https://edge.example/signaling", "only scheme, host and port; the paths are the dialect's"),
        ("https://edge.example?a=b", "only scheme, host and port; the paths are the dialect's"),
    ],
)
def test_what_is_not_a_target(url: str, problem: str) -> None:
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
        ("http://ｌｏｃａｌｈｏｓｔ:1", True, "by a name in full-width letters"),
        ("http://１２７.０.０.１:1", True, "by an address in full-width digits"),
        ("http://０.0.0.0:1", False, "any address, in full-width digits"),
        ("http://0.0.0.0:1", False, "any address, not only this machine's"),
        ("http://192.0.2.1:1", False, "another machine"),
        ("http://[::ffff:192.0.2.1]:1", False, "another machine, in IPv6"),
        ("http://[::]:1", False, "any address, in IPv6"),
        ("http://127.1:1", False, "a short form"),
        ("http://2130706433:1", False, "a number"),
        ("http://localhost.:1", False, "not the same name"),
        ("http://localhost.example:1", False, "a name that begins like it"),
    ],
)
def test_whether_a_target_is_this_machine(url: str, loopback: bool, why: str) -> None:
    assert Target.parse(url).is_loopback is loopback, why


def test_the_addresses_of_a_name_must_be_allowed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The checked addresses are the ones that are used: DNS is asked only once."""
    answers = iter([["127.0.0.1"], ["127.0.0.1", "192.0.2.1"], ["::ffff:192.0.2.1"]])
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", (each, 1)) for each in next(answers)])
    assert Target.parse("http://localhost:1").resolved().addresses == ((2, ("127.0.0.1", 1)),)
    for elsewhere in ("192.0.2.1", "::ffff:192.0.2.1"):
        with pytest.raises(InputError) as caught:
            Target.parse("http://localhost:1").resolved()
        assert str(caught.value).startswith(
            f"--host http://localhost:1: localhost is {elsewhere}, not this machine. A l"
        )


def test_an_address_of_another_machine_needs_authorization() -> None:
    with pytest.raises(InputError):
        Target.parse("http://192.0.2.1:1").resolved()
    assert len(Target.parse("http://192.0.2.1:1", authorized=True).resolved().addresses) == 1


@pytest.fixture(scope="module")
def edge() -> Iterator[EdgeProcess]:
    with running_edge() as running:
        yield running


def test_only_addresses_that_accept_a_connection_are_kept(edge: EdgeProcess) -> None:
    found = Target.parse(edge.url).resolved()
    (family, (host, port)) = found.addresses[0]
    several = Target(found.host, found.port, found.tls, ((family, ("127.0.0.2", 1)), (family, (host, port))))
    assert several.reached(PATIENT_S).addresses == ((family, (host, port)),)


# Several addresses (RFC 1123 2.3)


@contextmanager
def listening(*, full: bool = False) -> Iterator[socket.socket]:
    """A listener on a port of its own; if ``full``, it does not take part in another handshake."""
    with socket.create_server(("127.0.0.1", 0), backlog=0 if full else 5) as listener, ExitStack() as waiting:
        for _ in range(4 if full else 0):
            each = waiting.enter_context(socket.socket())
            each.setblocking(False)
            each.connect_ex(listener.getsockname())
        yield listener


def at(*listeners: socket.socket) -> Target:
    """A name with the addresses of these listeners."""
    return Target("edge.example", 1, addresses=tuple((socket.AF_INET, each.getsockname()) for each in listeners))


def test_softphones_are_spread_over_the_addresses() -> None:
    with listening() as one, listening() as other:
        for choice, expected in enumerate([one, other] * 2):
            at(one, other).connect(PATIENT_S, choice).close()
            expected.settimeout(PATIENT_S)
            expected.accept()[0].close()


@pytest.mark.parametrize("choice", [0, 1, 2])
def test_a_softphone_whose_address_is_gone_connects_to_the_next_one(choice: int) -> None:
    with listening() as gone, listening() as alive:
        target = at(gone, alive, gone)
        gone.close()
        target.connect(PATIENT_S, choice).close()


def test_an_address_that_does_not_answer_leaves_time_for_the_others() -> None:
    with listening(full=True) as silent, listening() as alive:
        at(silent, alive).connect(1.0).close()


@pytest.mark.parametrize(
    ("silent", "outcome"), [(True, Outcome.CONNECT_TIMEOUT), (False, Outcome.CONNECT_REFUSED)], ids=["silent", "gone"]
)
def test_no_address_accepts_a_connection(silent: bool, outcome: Outcome) -> None:
    with listening() as gone, listening(full=silent) as last:
        target = at(gone, last)
        gone.close()
        if not silent:
            last.close()
        with pytest.raises(AttemptFailed) as caught:
            target.connect(0.2)
    assert caught.value.outcome is outcome
