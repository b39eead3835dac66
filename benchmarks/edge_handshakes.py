"""How many handshakes per second the simulated edge serves on one core: it must not limit the benchmarks.

    connect ── upgrade ──► 101, ready ──► close 1000 ──► end of the connection        raw sockets and epoll

It measures handshakes per second, and handshakes per second of the edge's own CPU. The target, 3,000, is for the first,
which cannot be the larger one.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import select
import socket
import sys
import time
import urllib.request
from dataclasses import dataclass
from statistics import median
from urllib.parse import urlsplit

from rich.table import Table

from harness import Edge, bench
from process import cores
from tables import Goal, show

TARGET_PER_S = 3000
SILENCE_S = 5.0
CLOSE_1000 = b"\x88\x82\0\0\0\0\x03\xe8"  # RFC 6455 5.5.1, masked with zeros
UPGRADE = (
    "GET /signaling HTTP/1.1\r\nHost: edge\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Authorization: Bearer {token}\r\nX-Softphone-Id: {number}\r\n\r\n"
)


@dataclass
class Client:
    """One connection: the upgrade request that is still to send, and what was received."""

    socket: socket.socket
    request: bytes
    received: bytes = b""
    closing: bool = False


def load(edge: Edge, token: str, handshakes: int, at_once: int) -> int:
    """Make handshakes; returns how many were completed and closed.

    Args:
        edge: the edge.
        token: a valid bearer token.
        handshakes: how many in all.
        at_once: how many connections are open at a time.
    """
    parts, poll, clients = urlsplit(edge.url), select.epoll(), dict[int, Client]()
    started = completed = 0
    while clients or started < handshakes:
        while started < handshakes and len(clients) < at_once:
            connection = socket.socket()
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.connect_ex((parts.hostname, parts.port))
            clients[connection.fileno()] = Client(connection, UPGRADE.format(token=token, number=started).encode())
            poll.register(connection, select.EPOLLOUT)
            started += 1
        events = poll.poll(SILENCE_S)
        for number, _ in events:
            client = clients[number]
            if client.request:
                client.socket.send(client.request)
                client.request = b""
                poll.modify(number, select.EPOLLIN)
            elif not _on_data(client):
                completed += client.closing
                poll.unregister(number)
                clients.pop(number).socket.close()
        if not events:
            break
    return completed


def _on_data(client: Client) -> bool:
    """Read, and close with 1000 after ``ready``; returns whether the connection is still open."""
    try:
        data = client.socket.recv(65536)
    except ConnectionError:
        data = b""
    if not client.closing:
        client.received += data
        head, end, rest = client.received.partition(b"\r\n\r\n")
        if end and head.startswith(b"HTTP/1.1 101") and b"ready" in rest:
            client.socket.send(CLOSE_1000)
            client.closing = True
    return bool(data)


def _token(edge: Edge) -> str:
    basic = base64.b64encode(b"locust-softphone:simulated").decode()
    request = urllib.request.Request(f"{edge.url}/oauth/token", b"grant_type=client_credentials")
    request.add_header("Authorization", f"Basic {basic}")
    with urllib.request.urlopen(request, timeout=SILENCE_S) as answer:
        return str(json.load(answer)["access_token"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--handshakes", type=int, default=10_000, help="handshakes of each run (default: %(default)s)")
    parser.add_argument("--at-once", type=int, default=100, help="connections at a time (default: %(default)s)")
    parser.add_argument("--repeat", type=int, default=5, help="how many runs (default: %(default)s)")
    parsed = parser.parse_args()

    table = Table(
        "run", "handshakes", "per second", "per second of the edge's CPU", title="The simulated edge on one core"
    )
    rates, failed = [], 0
    with bench() as at:
        os.sched_setaffinity(0, {cores()[0]})  # after the edge was started, or it would inherit this
        token = _token(at.edge)
        load(at.edge, token, parsed.at_once, parsed.at_once)
        for number in range(parsed.repeat):
            began_s, used_s = time.perf_counter(), at.edge.process.cpu_s()
            completed = load(at.edge, token, parsed.handshakes, parsed.at_once)
            took_s, cpu_s = time.perf_counter() - began_s, at.edge.process.cpu_s() - used_s
            rates.append(completed / took_s)
            failed += parsed.handshakes - completed
            table.add_row(f"{number + 1}", f"{completed:,}", f"{rates[-1]:,.0f}", f"{completed / cpu_s:,.0f}")
    rate = median(rates)
    return show(
        table,
        [
            Goal(f"{TARGET_PER_S:,} handshakes per second", f"{rate:,.0f} (median)", rate >= TARGET_PER_S),
            Goal("all completed", f"{failed} failed", failed == 0),
        ],
        f"{parsed.at_once} connections at a time, each: upgrade, 101, ready, close; the edge on one core, the load "
        "on the other",
    )


if __name__ == "__main__":
    sys.exit(main())
