"""The CPU of the softphones' own sockets, compared with gevent's: 300 bytes to an echo server and back.

    round trip      on an open connection                      (CPU of many - CPU of few) / (many - few)
    connection      opened, one round trip, closed             the same

The target: at most three quarters of the CPU of gevent's sockets. dialects.py uses the cost of a round trip, which no
dialect can avoid.

    sockets.py                                 compares both in one run
    sockets.py serve                           an echo server, which prints its port
    sockets.py of PORT SOCKETS WHAT EACH       100 greenlets, each of which repeats WHAT EACH times
"""

from __future__ import annotations

import asyncio
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median

import gevent
import gevent.socket
from rich.table import Table

from harness import listening_on
from locust_softphone.signaling.stream import MakeSocket, Stream
from locust_softphone.swarm.load.sockets import Socket
from process import Command, Process, cores
from tables import Goal, show

__all__ = ["OURS", "ROUND_TRIP", "cost_ms", "echoing"]

OURS, GEVENTS = "locust-softphone", "gevent"
SOCKETS: dict[str, MakeSocket] = {OURS: Socket, GEVENTS: gevent.socket.socket}
ROUND_TRIP, CONNECTION = "round-trip", "connection"
FEW_MANY = {ROUND_TRIP: (10, 400), CONNECTION: (2, 40)}  # few connections, because each occupies a port for a minute
GREENLETS = 100
REPEAT = 5
LIMIT_S = 60.0
AT_MOST = 0.75
MESSAGE = b"x" * 300
"""About as long as a stanza."""


class Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(data)


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0, backlog=1000)
    print(f"listening on {server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def _connected(port: int, make_socket: MakeSocket) -> Stream:
    return Stream.connect([(socket.AF_INET, ("127.0.0.1", port))], LIMIT_S, make_socket=make_socket)


def _there_and_back(stream: Stream) -> None:
    stream.send(MESSAGE)
    stream.read_exactly(len(MESSAGE))


def round_trips(port: int, make_socket: MakeSocket, each: int) -> None:
    with closing(_connected(port, make_socket)) as stream:
        for _ in range(each):
            _there_and_back(stream)


def connections(port: int, make_socket: MakeSocket, each: int) -> None:
    for _ in range(each):
        with closing(_connected(port, make_socket)) as stream:
            _there_and_back(stream)


@contextmanager
def echoing(folder: Path) -> Iterator[int]:
    """An echo server on the edge's core; yields its port."""
    with Process(Command([sys.executable, __file__, "serve"], folder), core=cores()[1]) as process:
        yield int(listening_on(process))


def cost_ms(folder: Path, port: int, sockets: str, what: str) -> float:
    """The CPU of one round trip or connection, in milliseconds."""
    few, many = (_cpu_s(folder, [str(port), sockets, what, str(each)]) for each in FEW_MANY[what])
    return (many - few) * 1000 / (GREENLETS * (FEW_MANY[what][1] - FEW_MANY[what][0]))


def _cpu_s(folder: Path, arguments: list[str]) -> float:
    with Process(Command([sys.executable, __file__, "of", *arguments], folder), core=cores()[0]) as process:
        usage = process.wait(LIMIT_S)
    if usage.exit_code:
        raise SystemExit(process.errors())
    return usage.cpu_s


def compare() -> int:
    found: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        serving, calling = (Path(name, each) for each in ("serving", "calling"))
        for each in (serving, calling):
            each.mkdir()
        with echoing(serving) as port:
            for _ in range(REPEAT):
                for what in FEW_MANY:
                    for sockets in SOCKETS:
                        found.setdefault((what, sockets), []).append(cost_ms(calling, port, sockets, what))

    table = Table("CPU, ms", *SOCKETS, "ratio", title="CPU of a socket")
    goals = []
    for what in FEW_MANY:
        ours, gevents = (median(found[what, sockets]) for sockets in SOCKETS)
        table.add_row(what, f"{ours:.4f}", f"{gevents:.4f}", f"[bold]{ours / gevents:.2f}")
        goals.append(
            Goal(
                f"a {what} costs at most {AT_MOST} times as much as with gevent",
                f"{ours / gevents:.2f} times",
                ours <= AT_MOST * gevents,
            )
        )
    how = f"medians of {REPEAT}; {GREENLETS} greenlets on one core, an echo server on the other"
    return show(table, goals, f"{how}; gevent {gevent.__version__}")


def main() -> int:
    if sys.argv[1:] == ["serve"]:
        asyncio.run(serve())
    elif sys.argv[1:2] == ["of"]:
        port, sockets, what, each = sys.argv[2:]
        go = round_trips if what == ROUND_TRIP else connections
        greenlets = [gevent.spawn(go, int(port), SOCKETS[sockets], int(each)) for _ in range(GREENLETS)]
        gevent.joinall(greenlets, raise_error=True)
    else:
        return compare()
    return 0


if __name__ == "__main__":
    sys.exit(main())
