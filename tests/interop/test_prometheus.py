"""A Prometheus scrapes ``/softphone/metrics``, and answers every query of docs/grafana-dashboard.json."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from locust_softphone.commands.locust_process import unused_port
from tests.edge.softphone import eventually
from tests.swarm.locust_process import running_locust
from tests.swarm.web_ui import WebUI

DOCS = Path(__file__).parents[2] / "docs"
QUERIES = [
    target["expr"]
    for panel in json.loads((DOCS / "grafana-dashboard.json").read_text())["panels"]
    for target in panel["targets"]
]
BURST = """
name: burst
users: 12
ramp: 0s
hold: 20s
softphone: {like: sdk-2.3.1, retry: {max_retries: 3, initial: 500ms, max_wait: 1s, retry_after: ignore}}
edge: {limits: {offer: {rate: 1/s, burst: 4}}}
"""


@contextmanager
def running_prometheus(folder: Path, target: int) -> Iterator[str]:
    """A Prometheus that scrapes each second; gives its address."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("no prometheus (apt-get install prometheus)")
    config = re.findall(r"(?ms)^```yaml\n(.*?)^```$", (DOCS / "monitoring.md").read_text())[0]
    config = config.replace("127.0.0.1:8089", f"127.0.0.1:{target}").replace(
        "scrape_interval: 5s", "scrape_interval: 1s"
    )
    (folder / "prometheus.yml").write_text(config)
    address = f"127.0.0.1:{unused_port()}"
    command = [program, "--config.file=prometheus.yml", "--storage.tsdb.path=data", f"--web.listen-address={address}"]
    with (folder / "prometheus.log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait()


def results(prometheus: str, query: str) -> list[dict[str, Any]]:
    """The answer to a query; empty while Prometheus starts."""
    asked = f"{prometheus}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    try:
        with urllib.request.urlopen(asked, timeout=30) as response:
            found: list[dict[str, Any]] = json.load(response)["data"]["result"]
            return found
    except urllib.error.HTTPError as error:
        if error.code != 503:  # any other status: the query is wrong
            pytest.fail(f"{query}: {error.read().decode()}")
    except OSError:
        pass
    return []


def test_a_prometheus_answers_every_query_of_the_dashboard(tmp_path: Path) -> None:
    port = unused_port()
    where = ("--web-host", "127.0.0.1", "--web-port", str(port))
    with running_locust(tmp_path, *where, profile=BURST), running_prometheus(tmp_path, port) as prometheus:
        web = WebUI(port)
        eventually(web.is_there)
        eventually(lambda: bool(results(prometheus, "softphone_run_active == 0")))  # scraped before any run
        web.start("tiny.yaml")
        for query in QUERIES:
            plain = query.replace("$__rate_interval", "1m").replace("$run", ".*")
            eventually(lambda plain=plain: bool(results(prometheus, plain)))  # type: ignore[misc]
        eventually(lambda: web.live()["run"]["verdict"] is not None)

        families = {family.name: family for family in text_string_to_metric_families(web.get("/softphone/metrics"))}
        totals = web.live()["run"]["totals"]
        softphones = {each.labels["state"]: each.value for each in families["softphone_softphones"].samples}
        assert {state: softphones[state] for state in ("planned", "answered", "gave_up")} == {
            state: totals[state] for state in ("planned", "answered", "gave_up")
        }
        documented = set(re.findall(r"(?m)^\| `(softphone_\w+)`", (DOCS / "monitoring.md").read_text()))
        assert {name.removesuffix("_total") for name in documented} >= set(families)
