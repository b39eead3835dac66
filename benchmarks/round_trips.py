"""Round trips and nothing else: 300 bytes there and back on bare sockets under gevent, with time-outs as ours have.

round_trips.py serve           an echo, which says on which port
round_trips.py PORT EACH       100 sockets, EACH round trips on every one

No dialect can cost less than its round trips do; dialects.py asks this for what one of them costs.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import asyncio  # noqa: E402 - gevent comes first
import socket  # noqa: E402
import sys  # noqa: E402
import threading  # noqa: E402

SOCKETS = 100
PATIENCE_S = 30.0
MESSAGE = b"x" * 300
"""As long as a stanza is."""


class Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(data)


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0)
    print(f"listening on {server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def go(port: int, each: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(each):
            connection.settimeout(PATIENCE_S)
            connection.sendall(MESSAGE)
            received = 0
            while received < len(MESSAGE):
                connection.settimeout(PATIENCE_S)
                received += len(connection.recv(16_384)) or len(MESSAGE)


def main() -> None:
    if sys.argv[1] == "serve":
        asyncio.run(serve())
        return
    softphones = [threading.Thread(target=go, args=(int(sys.argv[1]), int(sys.argv[2]))) for _ in range(SOCKETS)]
    for each in softphones:
        each.start()
    for each in softphones:
        each.join()


if __name__ == "__main__":
    main()
