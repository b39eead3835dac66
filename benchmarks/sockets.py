"""What the softphones' own sockets save, next to gevent's: CPU, nothing on the wire but 300 bytes there and back.

    round trip      on an open connection                      (CPU of many - CPU of few) / (many - few)
    connection      opened, one round trip, closed             the same

No dialect can cost less than its round trips do: dialects.py asks this for what they cost by themselves. The target:
at most three quarters of what gevent's sockets cost.

    sockets.py                                 both, side by side in one run
    sockets.py serve                           an echo, which says on which port
    sockets.py of PORT SOCKETS WHAT EACH       a hundred greenlets, each so many times
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
FEW_MANY = {ROUND_TRIP: (10, 400), CONNECTION: (2, 40)}  # few connections: each leaves a port behind for a minute
GREENLETS = 100
REPEAT = 5
LIMIT_S = 60.0
AT_MOST = 0.75
MESSAGE = b"x" * 300
"""As long as a stanza is."""


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
    return Stream.connect(socket.AF_INET, ("127.0.0.1", port), LIMIT_S, make_socket=make_socket)


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
    """An echo on the core that is not the tools'; its port."""
    with Process(Command([sys.executable, __file__, "serve"], folder), core=cores()[1]) as process:
        yield int(listening_on(process))


def cost_ms(folder: Path, port: int, sockets: str, what: str) -> float:
    """CPU of one, in milliseconds."""
    few, many = (_cpu_s(folder, [str(port), sockets, what, str(each)]) for each in FEW_MANY[what])
    return (many - few) * 1000 / (GREENLETS * (FEW_MANY[what][1] - FEW_MANY[what][0]))


def _cpu_s(folder: Path, arguments: list[str]) -> float:
    with Process(Command([sys.executable, __file__, "of", *arguments], folder), core=cores()[0]) as process:
        usage = process.wait(LIMIT_S)
    if usage.exit_code:
        raise SystemExit(process.complaints())
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

    table = Table("CPU, ms", *SOCKETS, "ratio", title="What a socket costs the generator")
    goals = []
    for what in FEW_MANY:
        ours, gevents = (median(found[what, sockets]) for sockets in SOCKETS)
        table.add_row(what, f"{ours:.4f}", f"{gevents:.4f}", f"[bold]{ours / gevents:.2f}")
        goals.append(
            Goal(
                f"a {what} costs at most {AT_MOST} of gevent's",
                f"{ours / gevents:.2f} of it",
                ours <= AT_MOST * gevents,
            )
        )
    caption = (
        f"medians of {REPEAT}; {GREENLETS} greenlets on one core, an echo on the other; gevent {gevent.__version__}"
    )
    return show(table, goals, caption)


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
