"""The client's id and secret reach the edge, and nothing else: no output, no file, no process list."""

from __future__ import annotations

from pathlib import Path

import psutil

from tests.edge.softphone import eventually
from tests.swarm.locust_process import PATIENCE_S, TINY, edge_of, records, running_locust

SECRET = "hush-5e0c"
CLIENT = "client-9a71"
POLICY = f"organisations: [{{client_id: {CLIENT}, client_secret: {SECRET}}}]"
CREDENTIALS = {"LOCUST_SOFTPHONE_CLIENT_ID": CLIENT, "LOCUST_SOFTPHONE_CLIENT_SECRET": SECRET}


def test_the_credentials_are_used_and_never_shown(tmp_path: Path) -> None:
    policy = tmp_path / "elsewhere" / "policy.yaml"
    policy.parent.mkdir()
    policy.write_text(POLICY)
    folder = tmp_path / "here"
    folder.mkdir()
    options = ["--headless", "--loglevel", "DEBUG", "--softphone-policy", str(policy), "--html", "report.html"]
    with running_locust(folder, *options, "--csv", "stats", environment=CREDENTIALS) as process:
        eventually(lambda: edge_of(process) is not None)
        locust, edge = psutil.Process(process.pid), edge_of(process)
        assert edge is not None
        shown = [*locust.cmdline(), *edge.cmdline()]
        shown += process.communicate(timeout=PATIENCE_S)
    shown += [path.read_text() for path in folder.rglob("*") if path.is_file()]
    (record,) = records(folder)
    assert record["verdict"] == "passed"
    assert record["steps"]["token"]["outcomes"] == {"ok": 1}
    assert [text for text in shown if SECRET in text] == []
    assert [text for text in shown if CLIENT in text] == []


def test_a_wrong_secret_is_a_refusal_and_not_shown_either(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY.replace(SECRET, "another"))
    profile = TINY.replace("expect", "softphone: {retry: {max_retries: 0}}\nexpect")
    options = ["--headless", "--softphone-policy", "policy.yaml"]
    with running_locust(tmp_path, *options, profile=profile, environment=CREDENTIALS) as process:
        shown = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    (record,) = records(tmp_path)
    assert set(record["steps"]["token"]["outcomes"]) == {"unauthorized"}
    assert record["totals"]["gave_up"] == 4
    assert "unauthorized (HTTP 401)" in shown[1]
    assert SECRET not in "".join(shown)
