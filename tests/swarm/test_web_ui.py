"""The web UI: the profiles to choose from, and one run after the other without a restart."""

from __future__ import annotations

import json
import signal
import socket
import urllib.parse
import urllib.request
from pathlib import Path

from tests.edge.softphone import eventually
from tests.swarm.locust_process import PATIENCE_S, TINY, edge_of, records, running_locust


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
        body = urllib.parse.urlencode({"user_count": 1, "spawn_rate": 1, "softphone_profile": profile}).encode()
        before = self.logged("Shape test starting.")

        def started() -> bool:
            with urllib.request.urlopen(f"{self._url}/swarm", body, timeout=PATIENCE_S) as response:
                assert json.load(response)["success"], profile
            return self.logged("Shape test starting.") > before

        eventually(started)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_a_run_from_the_web_ui_and_another_one_after_it(tmp_path: Path) -> None:
    (tmp_path / "scenarios").mkdir()
    for name in ("tiny", "tinier"):
        (tmp_path / "scenarios" / f"{name}.yaml").write_text(TINY.replace("name: tiny", f"name: {name}"))
    port = free_port()
    with running_locust(tmp_path, "--web-host", "127.0.0.1", "--web-port", str(port), profile=None) as process:
        web = WebUI(port)
        eventually(web.is_there)
        page = web.get("/")
        assert [name for name in ("tiny", "tinier", "smoke", "burst-500") if f'"{name}"' not in page] == []
        assert "client_secret" not in page.replace("-", "_")

        web.start("tiny")
        eventually(lambda: len(records(tmp_path)) == 1)
        web.start("no-such-profile")
        eventually(lambda: web.logged("no-such-profile") > 0)
        web.start("tinier")
        eventually(lambda: len(records(tmp_path)) == 2)
        eventually(lambda: edge_of(process) is None)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_S)
    assert [record["profile"]["name"] for record in records(tmp_path)] == ["tiny", "tinier"]
    assert [record["verdict"] for record in records(tmp_path)] == ["passed"] * 2
    assert [record["ledger"]["balanced"] for record in records(tmp_path)] == [True] * 2
