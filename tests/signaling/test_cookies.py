"""Cookies: which ones are sent back, over HTTP and in WebSocket handshakes."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from random import Random

import pytest

from locust_softphone.errors import AttemptFailed
from locust_softphone.signaling.account import Account
from locust_softphone.signaling.cookies import Cookies
from locust_softphone.signaling.dialects.by_name import dialect_for
from locust_softphone.signaling.hosts import Hosts
from locust_softphone.signaling.http import HttpConnection, read_head
from locust_softphone.signaling.recording import masked
from locust_softphone.signaling.stream import Stream
from locust_softphone.signaling.target import Target
from locust_softphone.signaling.token import Token
from locust_softphone.signaling.websocket import Connection
from tests.signaling.scripted_server import Script, accept_lines, serving
from tests.signaling.scripted_server import read_head as read_request
from tests.signaling.softphones import CREDENTIALS, PATIENT_S

EDGE = "https://api.edge.example"


def sent(lines: Sequence[str], to: str = EDGE, path: str = "/api/offer", by: str = EDGE) -> str:
    """The Cookie header's value after a response of ``by`` to ``/api/token`` with these ``Set-Cookie`` lines."""
    cookies = Cookies()
    cookies.keep(Target.parse(by), "/api/token", {"set-cookie": "\n".join(lines)} if lines else {})
    return cookies.header(Target.parse(to), path).removeprefix("Cookie: ").removesuffix("\r\n")


@pytest.mark.parametrize(
    ("line", "to", "path", "cookie"),
    [
        ("AWSALB=node7; Expires=Wed, 09 Jun 2100 10:18:14 GMT; Path=/", EDGE, "/", "AWSALB=node7"),
        ("AWSALB=a+/b==; Path=/", EDGE, "/x", "AWSALB=a+/b=="),
        ('n="7"; Path=/; HttpOnly; SameSite=None', EDGE, "/", 'n="7"'),
        ("n=7", EDGE, "/api/v2/offer?page=1", "n=7"),  # the default path is the request's folder
        ("n=7", EDGE, "/signaling", ""),
        ("n=7; Path=/api", EDGE, "/apis", ""),  # RFC 6265 5.1.4
        ("n=7; Path=/", "https://edge.example", "/", ""),
        ("n=7; Path=/", "https://node.api.edge.example", "/", ""),  # no Domain: this host only
        ("n=7; Path=/; Domain=edge.example", "https://streaming.edge.example", "/", "n=7"),
        ("n=7; Path=/; Domain=.edge.example", "wss://streaming.edge.example:8443", "/", "n=7"),  # ports do not count
        ("n=7; Path=/; Domain=other.example", "https://other.example", "/", ""),
        ("n=7; Path=/; Domain=example", "https://api.example", "/", ""),
        ("n=7; Path=/; Secure", EDGE, "/", "n=7"),
        ("n=7; Path=/; Secure", "wss://api.edge.example", "/", "n=7"),
        ("n=7; Path=/; Secure", "http://api.edge.example", "/", ""),
        ("n=7; Path=/; Max-Age=60", EDGE, "/", "n=7"),
        ("n=7; Path=/; Max-Age=0", EDGE, "/", ""),
        ("n=7; Path=/; Expires=Wed, 09 Jun 2021 10:18:14 GMT", EDGE, "/", ""),
        ("n=7; Path=/; Max-Age=60; Expires=Wed, 09 Jun 2021 10:18:14 GMT", EDGE, "/", "n=7"),  # Max-Age decides
        ("", EDGE, "/", ""),
        ("=7; Path=/", EDGE, "/", ""),
        ("n=a\rX-Other: b; Path=/", EDGE, "/", ""),
        (f"n={'x' * 5000}; Path=/", EDGE, "/", ""),
    ],
)
def test_a_cookie_is_sent_where_its_attributes_match(line: str, to: str, path: str, cookie: str) -> None:
    assert sent([line], to, path) == cookie


def test_a_cookie_of_an_address_is_sent_to_that_address() -> None:
    line = ["n=7; Path=/"]
    assert sent(line, to="http://127.0.0.1:80", by="http://127.0.0.1:8080") == "n=7"
    assert sent(line, to="http://127.0.0.2:8080", by="http://127.0.0.1:8080") == ""
    assert sent(line, to="http://localhost:8080", by="http://localhost:8080") == "n=7"


def test_several_cookies_are_one_header(received: Callable[[bytes], Stream]) -> None:
    head = read_head(
        received(
            b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Expires=Wed, 09 Jun 2100 10:18:14 GMT\r\nSet-Cookie: b=2\r\n\r\n"
        )
    )
    assert sent([head.headers["set-cookie"]]) == "a=1; b=2"


def test_a_later_cookie_replaces_and_removes_an_earlier_one() -> None:
    cookies, target = Cookies(), Target.parse(EDGE)
    seen = []
    for line in ("n=7; Path=/", "n=8; Path=/", "n=; Path=/; Max-Age=0"):
        cookies.keep(target, "/", {"set-cookie": line})
        seen.append(cookies.header(target, "/"))
    assert seen == ["Cookie: n=7\r\n", "Cookie: n=8\r\n", ""]


def test_the_number_of_cookies_is_bounded_and_kept_ones_can_still_change() -> None:
    cookies = sent([f"n{number}=1; Path=/" for number in range(1000)] + ["n0=2; Path=/"]).split("; ")
    assert len(cookies) == 50
    assert "n0=2" in cookies


def test_cookies_are_masked_where_requests_are_shown() -> None:
    assert masked("GET / HTTP/1.1\r\nCookie: AWSALB=node7\r\nX: y\r\n\r\n") == (
        "GET / HTTP/1.1\r\nCookie: ***\r\nX: y\r\n\r\n"
    )


# On the wire.


def sets_cookies(requests: list[bytes], *statuses: bytes) -> Script:
    """Answer requests on one connection with these statuses, each with the cookie ``n`` set to the request's number."""

    def script(connection: socket.socket) -> None:
        for status in statuses:
            request = read_request(connection)
            requests.append(request)
            lines = accept_lines(request) if status.startswith(b"101") else b"Content-Length: 0\r\n"
            cookie = b"Set-Cookie: n=%d; Path=/\r\n" % len(requests)
            connection.sendall(b"HTTP/1.1 " + status + b"\r\n" + cookie + lines + b"\r\n")

    return script


def cookies_in(requests: list[bytes]) -> list[bytes]:
    """The Cookie headers of each request."""
    headers = [request.split(b"\r\n") for request in requests]
    return [b"|".join(line for line in lines if line.startswith(b"Cookie: ")) for lines in headers]


def test_requests_and_handshakes_of_a_softphone_share_its_cookies() -> None:
    requests: list[bytes] = []
    connections = [b"200 OK", b"429 Slow"], [b"503 Full"], [b"101 OK"]
    with serving(*(sets_cookies(requests, *statuses) for statuses in connections)) as target:
        cookies = Cookies()
        http = HttpConnection(target, cookies=cookies)
        http.post("/a", "", b"", PATIENT_S)
        with pytest.raises(AttemptFailed):
            http.post("/b", "", b"", PATIENT_S)
        with pytest.raises(AttemptFailed) as refused:
            Connection.open(target, "/c", timeout_s=PATIENT_S, cookies=cookies)
        Connection.open(target, "/d", timeout_s=PATIENT_S, cookies=cookies)[0].abort()
        http.close()
        assert cookies.header(target, "/") == "Cookie: n=4\r\n"
    assert cookies_in(requests) == [b"", b"Cookie: n=1", b"Cookie: n=2", b"Cookie: n=3"]
    assert "n=" not in f"{refused.value!r} {refused.value}"


@pytest.mark.parametrize("name", ["media-offer", "genesys-cloud"])
def test_every_dialect_sends_its_cookies_in_the_handshake(name: str) -> None:
    requests: list[bytes] = []
    with serving(sets_cookies(requests, b"401 No"), sets_cookies(requests, b"403 No")) as target:
        account = Account(Hosts.one(target), CREDENTIALS)
        client = dialect_for(name, account, timeout_s=PATIENT_S, random=Random(1)).client(0)
        with pytest.raises(AttemptFailed):
            client.fetch_token(0.0)
        with pytest.raises(AttemptFailed):
            client.connect(Token("t", 1e9, 1e9))
        client.close_idle()
    assert cookies_in(requests) == [b"", b"Cookie: n=1"]
