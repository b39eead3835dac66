"""The simulated edge, recording when each request arrived: ``python -m …recording_edge POLICY_FILE``.

It prints its address, then lines of JSON: one for each request (its time by the edge's clock, and what it was) and one
for each refusal. Each has the largest delay of a timer in its event loop so far, as the precision of these times.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from pathlib import Path

from aiohttp import web

from locust_softphone.edge import Policy, load_policy
from locust_softphone.edge.application import Edge

TICK_S = 0.01


class Recorder:
    """Records a request, then lets the edge answer it."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._lag_s = 0.0
        self._requests = 0

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/stats":
            return await self._edge.serve(request)
        number = self._requests
        self._requests += 1
        self._note(at_s=asyncio.get_running_loop().time(), request=f"{request.method} {request.path}")
        response = await self._edge.serve(request)
        if response.status >= 400:
            self._note(refused=number, status=response.status, retry_after=response.headers.get("Retry-After"))
        return response

    def _note(self, **facts: object) -> None:
        print(json.dumps({**facts, "lag_s": self._lag_s}), flush=True)

    async def watch(self) -> None:
        """Measure the delay of timers in this event loop, without end."""
        loop = asyncio.get_running_loop()
        while True:
            due_s = loop.time() + TICK_S
            await asyncio.sleep(TICK_S)
            self._lag_s = max(self._lag_s, loop.time() - due_s)


async def main(policy: Policy) -> None:
    recorder = Recorder(Edge(policy, random.Random()))
    listener = await asyncio.get_running_loop().create_server(web.Server(recorder.serve, access_log=None), "127.0.0.1")
    print("listening on http://{}:{}".format(*listener.sockets[0].getsockname()), flush=True)
    await recorder.watch()


if __name__ == "__main__":
    asyncio.run(main(load_policy(Path(sys.argv[1]))))
