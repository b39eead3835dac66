"""A link with a delay, for a kernel without ``tc netem``: forwards TCP from one network namespace to another.

far host ── 192.0.2.1:5557 ──► listens in the namespace it is started in
                                     │  each byte delay_s later, in order, either way
                               connects in NAMESPACE ──► 192.0.2.1:5557

Sockets stay in the namespace they were made in, so both sides can have the same address: the far host knows no other.

    python delaying_forwarder.py NAMESPACE DELAY_S ADDRESS:PORT…
"""

from __future__ import annotations

import asyncio
import ctypes
import sys
from contextlib import suppress
from pathlib import Path

CLONE_NEWNET = 0x40000000


def enter(namespace: str) -> None:
    """Make further sockets of this thread in another network namespace (setns(2); Python has it from 3.12)."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/run/netns", namespace).open("rb") as file:
        if libc.setns(file.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {namespace}")


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float) -> None:
    """Every chunk, ``delay_s`` after it came; the end too."""
    clock = asyncio.get_running_loop().time
    chunks: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def take() -> None:
        data = b"-"
        while data:
            try:
                data = await reader.read(65536)
            except OSError:  # a reset is passed on as an end
                data = b""
            chunks.put_nowait((clock() + delay_s, data))

    taking = asyncio.create_task(take())
    with suppress(OSError):
        while True:
            due, data = await chunks.get()
            await asyncio.sleep(due - clock())
            if not data:
                writer.write_eof()
                break
            writer.write(data)
            await writer.drain()
    await taking


async def forward(namespace: str, delay_s: float, addresses: list[tuple[str, int]]) -> None:
    """Listen on each address, then pass on to the same address over there, until killed."""

    def connected_to(host: str, port: int) -> object:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(delay_s)
            with suppress(OSError):
                there_reader, there_writer = await asyncio.open_connection(host, port)
                await asyncio.gather(pass_on(reader, there_writer, delay_s), pass_on(there_reader, writer, delay_s))
                there_writer.close()
            writer.close()

        return connected

    servers = [await asyncio.start_server(connected_to(*each), *each) for each in addresses]  # type: ignore[arg-type]
    enter(namespace)
    print("forwarding", flush=True)
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    pairs = [each.rsplit(":", 1) for each in sys.argv[3:]]
    asyncio.run(forward(sys.argv[1], float(sys.argv[2]), [(host, int(port)) for host, port in pairs]))
