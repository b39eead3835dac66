"""Ways to do the client side of TLS, side by side: CPU of a connection, and memory of an open one.

    full        a new client: handshake, 300 bytes there, 200 back, close
    resumed     the same client once more
    memory      what malloc has given out for an open connection, without its socket

All are in one process, over pairs of sockets; only the CPU of the client's part counts. The way that is used has to be
the cheapest. docs/tls.md says why the others are not used.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import socket
import ssl
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import trustme
from OpenSSL import SSL
from rich.table import Table

from locust_softphone.signaling import tls as our_tls
from locust_softphone.signaling.tls import Tls, TlsContext
from tables import Goal, show

HOST = "127.0.0.1"
REQUEST, ANSWER = b"x" * 300, b"y" * 200
SIZE = 65_536
HELD = 100
BLOCK = 20  # connections in a row, so that few of them find the caches as another way has left them
OURS = "OpenSSL of cryptography, a key of the chosen group (used)"

Client = Callable[[socket.socket, int], Iterator[Any]]
"""The client's part of a connection, over a socket, by the client's number: a generator that yields whenever the server
has to act, and at last, with the connection open, what keeps it open.
"""


def of_cryptography(context: TlsContext) -> Client:
    def client(near: socket.socket, number: int) -> Iterator[Any]:
        tls = Tls(context, HOST, number)
        near.send(tls.data_to_send())
        yield None
        tls.receive_data(near.recv(SIZE))
        while not tls.do_handshake():
            near.send(tls.data_to_send())
            yield None
            tls.receive_data(near.recv(SIZE))
        tls.encrypt(REQUEST)
        near.send(tls.data_to_send())
        yield None
        while tls.decrypted() is None:
            tls.receive_data(near.recv(SIZE))
        yield tls
        tls.close()
        near.send(tls.data_to_send())

    return client


def on_the_socket(context: TlsContext) -> Client:
    """The same OpenSSL reads and writes the socket itself."""

    def client(near: socket.socket, number: int) -> Iterator[Any]:
        connection = SSL.Connection(context.openssl, near)
        connection.set_app_data(our_tls._Peer(HOST, context))
        connection.set_connect_state()
        if session := context.sessions.pop((HOST, number), None):
            connection.set_session(session)
        while True:
            try:
                connection.do_handshake()
                break
            except SSL.WantReadError:
                yield None
        connection.send(REQUEST)
        yield None
        connection.recv(SIZE)
        if session := connection.get_session():
            context.sessions[HOST, number] = session
        yield connection
        connection.shutdown()

    return client


def of_python(new_context: Callable[[], ssl.SSLContext], *, resumes: bool = True) -> Client:
    sessions = dict[int, ssl.SSLSession | None]()

    def client(near: socket.socket, number: int) -> Iterator[Any]:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = new_context().wrap_bio(incoming, outgoing, server_hostname=HOST, session=sessions.pop(number, None))
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                near.send(outgoing.read())
                yield None
                incoming.write(near.recv(SIZE))
        tls.write(REQUEST)
        near.send(outgoing.read())
        yield None
        incoming.write(near.recv(SIZE))
        tls.read(SIZE)
        if resumes:  # only within one context
            sessions[number] = tls.session
        yield tls
        with suppress(ssl.SSLWantReadError):
            tls.unwrap()
        near.send(outgoing.read())

    return client


def cpu_ms(client: Client, number: int, server: SSL.Context) -> float:
    """The CPU of the client's part of one connection."""
    near, far = socket.socketpair()
    with near, far:
        near.setblocking(False)
        part, answers = client(near, number), _answer(far, server)
        used_s = 0.0
        while True:
            began_s = time.thread_time()
            step = next(part, SIZE)
            used_s += time.thread_time() - began_s
            if step is SIZE:
                return used_s * 1000
            if step is None:
                next(answers)


def memory_kb(client: Client, server: SSL.Context) -> float:
    """The memory of one of many open connections."""
    pairs = [socket.socketpair() for _ in range(HELD)]
    before, held = _given_out(), []
    for number, (near, far) in enumerate(pairs):
        near.setblocking(False)
        part, answers = client(near, -1 - number), _answer(far, server)
        while (step := next(part)) is None:
            next(answers)
        held.append((part, step))
        answers.close()
    used = _given_out() - before
    for pair in pairs:
        for each in pair:
            each.close()
    return used / HELD / 1024


def _answer(far: socket.socket, context: SSL.Context) -> Generator[None]:
    """The server's part: each ``next`` takes what has come and answers it."""
    server, shaking_hands = SSL.Connection(context), True
    server.set_accept_state()
    while True:
        server.bio_write(far.recv(SIZE))
        with suppress(SSL.WantReadError):
            if shaking_hands:
                server.do_handshake()
                shaking_hands = False
            server.recv(SIZE)
            server.send(ANSWER)
        far.send(server.bio_read(SIZE))
        yield


class _Malloc(ctypes.Structure):
    """``struct mallinfo2`` of glibc: ten sizes."""

    _fields_ = [(f"size{number}", ctypes.c_size_t) for number in range(10)]


def _given_out() -> int:
    gc.collect()
    mallinfo = ctypes.CDLL(None).mallinfo2
    mallinfo.restype = _Malloc
    found = mallinfo()
    return int(found.size4 + found.size7)  # hblkhd, mapped by itself, and uordblks, of the heap


def ways(folder: Path, ca: str) -> dict[str, Client]:
    """The ways, by name, each in a state in which it knows its host."""
    bundle = folder / "bundle.pem"
    paths = ssl.get_default_verify_paths()
    system = Path(paths.cafile).read_text() if paths.cafile else ""
    bundle.write_text(system + Path(ca).read_text())
    defaults = TlsContext(ca)
    defaults.host_chose(None)
    defaults.openssl.set_tls13_ciphersuites(b"TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256")
    shared = ssl.create_default_context(cafile=ca)
    return {
        OURS: of_cryptography(TlsContext(ca)),
        f"the same, with the {system.count('BEGIN CERT')} authorities of the system": of_cryptography(
            TlsContext(str(bundle))
        ),
        "the same, with OpenSSL's own choice of keys and ciphers": of_cryptography(defaults),
        "the same, OpenSSL on the socket": on_the_socket(TlsContext(ca)),
        f"Python's ssl ({ssl.OPENSSL_VERSION.split()[1]}), one context": of_python(lambda: shared),
        "Python's ssl, a context for each connection": of_python(
            lambda: ssl.create_default_context(cafile=bundle), resumes=False
        ),
    }


def _low(costs: list[float]) -> float:
    """A tenth of the costs is at most this: other work on the machine only adds to them."""
    return sorted(costs)[len(costs) // 10]


def server_context(folder: Path, *, post_quantum: bool) -> tuple[SSL.Context, str]:
    """A server for this machine, and the file of the authority that clients trust."""
    authority = trustme.CA()
    certificate, ca = folder / "server.pem", folder / "ca.pem"
    authority.issue_cert(HOST).private_key_and_cert_chain_pem.write_to_path(certificate)
    authority.cert_pem.write_to_path(ca)
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.use_certificate_chain_file(certificate)
    context.use_privatekey_file(certificate)
    context.set_session_id(b"ways")
    if not post_quantum:
        SSL._lib.SSL_CTX_set1_curves_list(context._context, b"X25519:secp256r1")  # type: ignore[attr-defined]
    return context, str(ca)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--post-quantum", action="store_true", help="a server that takes X25519MLKEM768")
    parser.add_argument("--repeat", type=int, default=200, help="connections of each kind (default: %(default)s)")
    parsed = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        server, ca = server_context(Path(name), post_quantum=parsed.post_quantum)
        clients = ways(Path(name), ca)
        memory = {way: memory_kb(client, server) for way, client in clients.items()}
        full: dict[str, list[float]] = {way: [] for way in clients}
        resumed: dict[str, list[float]] = {way: [] for way in clients}
        for first in range(0, parsed.repeat, BLOCK):
            for way, client in clients.items():
                for number in range(first, first + BLOCK):
                    full[way].append(cpu_ms(client, number, server))
                    resumed[way].append(cpu_ms(client, number, server))
    table = Table("way", title="The client side of TLS, per connection")
    for column in ("full, ms", "resumed, ms", "memory, KB"):
        table.add_column(column, justify="right")
    for way in clients:
        table.add_row(way, f"{_low(full[way]):.2f}", f"{_low(resumed[way]):.2f}", f"{memory[way]:.1f}")
    sums = {way: _low(full[way]) + _low(resumed[way]) for way in clients}
    times = sums[OURS] / min(sums.values())
    goal = Goal("no way is much cheaper than the one that is used", f"{times:.2f} times", times <= 1.1)
    kind = "with" if parsed.post_quantum else "without"
    return show(
        table, [goal], f"lowest tenth of {parsed.repeat}, in turn by {BLOCK}; a server {kind} post-quantum keys"
    )


if __name__ == "__main__":
    sys.exit(main())
