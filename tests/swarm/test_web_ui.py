"""The web UI: the profiles to choose from, and one run after the other without a restart."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.edge.softphone import eventually
from tests.swarm.locust_process import PATIENCE_S, TINY, edge_of, records, running_locust
from tests.swarm.web_ui import WebUI, free_port


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
        eventually(lambda: records(tmp_path)[0]["run_id"] in web.get("/stats/report?download=1"))
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
