"""Locust's web UI, as a browser would use it."""

from __future__ import annotations

import json
import socket
import urllib.parse
import urllib.request

from tests.edge.softphone import eventually
from tests.swarm.locust_process import PATIENCE_S

__all__ = ["WebUI", "free_port"]


class WebUI:
    """Locust's web UI at a port of this machine."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"{self._url}{path}", timeout=PATIENCE_S) as response:
            return str(response.read().decode())

    def is_there(self) -> bool:
        try:
            return bool(self.get("/"))
        except OSError:
            return False

    def logged(self, message: str) -> int:
        """How often Locust has logged this."""
        return self.get("/logs").count(message)

    def start(self, profile: str) -> None:
        """Press the button until a run starts: Locust turns it down while the one before is still being cleared up."""
        self.post(softphone_profile=profile)

    def post(self, **fields: str) -> None:
        """Press the button, with these fields in the form, until a run starts."""
        body = urllib.parse.urlencode({"user_count": 1, "spawn_rate": 1, **fields}).encode()
        before = self.logged("Shape test starting.")

        def started() -> bool:
            with urllib.request.urlopen(f"{self._url}/swarm", body, timeout=PATIENCE_S) as response:
                assert json.load(response)["success"], fields
            return self.logged("Shape test starting.") > before

        eventually(started)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
