"""Locust's web UI, as a browser would use it."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

from tests.edge.softphone import eventually
from tests.swarm.locust_process import NOTHING, PATIENCE_S

__all__ = ["WebUI"]


class WebUI:
    """Locust's web UI at a port of this machine."""

    def __init__(self, port: int, base: str = "") -> None:
        self._url = f"http://127.0.0.1:{port}{base}"

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
        """Press the button until a run starts: it is refused while the previous run is being finished."""
        self.post(softphone_profile=profile)

    def post(self, **fields: str) -> None:
        """Press the button, with these fields in the form, until a run starts."""
        eventually(lambda: bool(self.answer(**fields)["success"]))

    def answer(self, headers: Mapping[str, str] = NOTHING, /, **fields: str) -> dict[str, Any]:
        """What Locust answers to a form."""
        body = urllib.parse.urlencode({"user_count": 1, "spawn_rate": 1, **fields}).encode()
        asked = urllib.request.Request(f"{self._url}/swarm", body, dict(headers))
        with urllib.request.urlopen(asked, timeout=PATIENCE_S) as response:
            answer: dict[str, Any] = json.load(response)
            return answer

    def stop(self) -> None:
        """Press our page's button."""
        asked = urllib.request.Request(f"{self._url}/softphone/stop", b"", {"Accept": "application/json"})
        with urllib.request.urlopen(asked, timeout=PATIENCE_S):
            pass

    def live(self) -> dict[str, Any]:
        """What our page asks for each second."""
        answer: dict[str, Any] = json.loads(self.get("/softphone/live"))
        return answer
