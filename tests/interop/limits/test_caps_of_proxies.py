"""Compares caps with nginx ``limit_conn`` and haproxy ``conn_cur``: the same sessions are opened and closed.

A session is a request that is passed to a server which does not answer. It is admitted if it arrives there, and refused
if an answer comes instead. It ends when the server closes the connection and the proxy has passed that on.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing

import pytest

from locust_softphone.limits.session_cap import SessionCap
from tests.interop.limits.limiting_proxies import REQUEST, haproxy, nginx

WITHIN_S = 20.0


class Sessions:
    """Sessions through a proxy, by name."""

    def __init__(self, proxy: Callable[[int], AbstractContextManager[int]], stack: ExitStack) -> None:
        self._server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        self._port = stack.enter_context(proxy(self._server.getsockname()[1]))
        self._stack = stack
        self._open: dict[str, tuple[socket.socket, socket.socket]] = {}

    def open(self, name: str) -> bool:
        """Whether the session is admitted."""
        client = self._stack.enter_context(closing(socket.create_connection(("127.0.0.1", self._port))))
        client.sendall(REQUEST)
        arrived, _, _ = select.select([client, self._server], [], [], WITHIN_S)
        assert arrived, "neither an answer nor a session"
        if client in arrived:
            status = int(client.makefile("rb").readline().split()[1])
            assert status in (429, 503)
            client.close()
            return False
        server_end, _ = self._server.accept()
        self._open[name] = client, self._stack.enter_context(closing(server_end))
        return True

    def close(self, name: str) -> None:
        """End the session at the server, and wait until the proxy has ended the client's side of it too."""
        client, server_end = self._open.pop(name)
        server_end.close()
        client.settimeout(WITHIN_S)
        while client.recv(4096):
            pass


def through_nginx(upstream: int) -> AbstractContextManager[int]:
    zone = "limit_conn_zone $binary_remote_addr zone=one:32k;"
    return nginx("limit_conn one 3;", zone=zone, upstream=upstream)


def through_haproxy(upstream: int) -> AbstractContextManager[int]:
    return haproxy("sc_conn_cur(0) gt 3", stored="conn_cur", upstream=upstream)


@pytest.fixture(params=[through_nginx, through_haproxy])
def sessions(request: pytest.FixtureRequest) -> Iterator[Sessions]:
    with ExitStack() as stack:
        yield Sessions(request.param, stack)


@pytest.mark.parametrize(
    "steps",
    [
        "+a +b +c +d +e",  # the fourth and the fifth are refused
        "+a +b +c +d -b +e +f",  # the end of a session makes room for one
        "+a +b +c -a -b -c +d +e +f +g",
        "+a -a +b -b +c -c +d -d +e -e",  # one at a time
    ],
)
def test_a_cap_of_connections_is_our_session_cap(sessions: Sessions, steps: str) -> None:
    cap = SessionCap(3)
    for step in steps.split():
        action, name = step[0], step[1:]
        if action == "+":
            assert sessions.open(name) == cap.admit(0.0, name).admitted
        else:
            sessions.close(name)
            cap.release(0.0, name)
