"""The web UI: the profiles to choose from, and one run after the other without a restart."""

from __future__ import annotations

import json
import signal
import socket
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

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

    def swarm(self, **form: str) -> Any:
        """Start a run, as the button does."""
        body = urllib.parse.urlencode({"user_count": 1, "spawn_rate": 1, **form}).encode()
        with urllib.request.urlopen(f"{self._url}/swarm", body, timeout=PATIENCE_S) as response:
            return json.load(response)

    def state(self) -> str:
        return str(json.loads(self.get("/stats/requests"))["state"])


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

        for name in ("tiny", "tinier", "no-such-profile", "tiny"):
            assert web.swarm(softphone_profile=name)["success"], name
            eventually(lambda: web.state() == "stopped" and edge_of(process) is None)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=PATIENCE_S)
    print(stderr)
    assert [record["profile"]["name"] for record in records(tmp_path)] == ["tiny", "tinier", "tiny"]
    assert [record["verdict"] for record in records(tmp_path)] == ["passed"] * 3
    assert [record["ledger"]["balanced"] for record in records(tmp_path)] == [True] * 3
    assert "no-such-profile" in stderr
    assert "Traceback" not in stderr
