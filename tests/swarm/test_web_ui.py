"""The web UI: the profiles to choose from, several runs without a restart, refused forms."""

from __future__ import annotations

import shutil
import signal
import urllib.error
from pathlib import Path

import pytest

from locust_softphone.commands.locust_process import unused_port
from tests.edge.softphone import eventually
from tests.swarm.locust_process import PATIENCE_S, TINY, edge_of, records, running_locust
from tests.swarm.web_ui import WebUI


def test_two_runs_from_the_web_ui_one_after_the_other(tmp_path: Path) -> None:
    (tmp_path / "scenarios").mkdir()
    for name in ("tiny", "tinier"):
        (tmp_path / "scenarios" / f"{name}.yaml").write_text(TINY.replace("name: tiny", f"name: {name}"))
    port = unused_port()
    with running_locust(tmp_path, "--web-host", "127.0.0.1", "--web-port", str(port), profile=None) as process:
        web = WebUI(port)
        eventually(web.is_there)
        page = web.get("/")
        assert [name for name in ("tiny", "tinier", "smoke", "burst-500") if f'"{name}"' not in page] == []
        assert "client_secret" not in page.replace("-", "_")

        web.start("tiny")
        eventually(lambda: len(records(tmp_path)) == 1)
        eventually(lambda: records(tmp_path)[0]["run_id"] in web.get("/stats/report?download=1"))
        eventually(lambda: web.live()["phase"] == "idle")
        assert "is not a profile, there are" in web.answer(softphone_profile="no-such-profile")["message"]
        web.start("tinier")
        eventually(lambda: len(records(tmp_path)) == 2)
        eventually(lambda: edge_of(process) is None)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_S)
    assert [record["profile"]["name"] for record in records(tmp_path)] == ["tiny", "tinier"]
    assert [record["verdict"] for record in records(tmp_path)] == ["passed"] * 2
    assert [record["ledger"]["balanced"] for record in records(tmp_path)] == [True] * 2


REFUSED = [
    ({"softphone_profile": "no-such"}, '"no-such" is not a profile, there are'),
    ({"softphone_profile": "/etc/passwd"}, '"/etc/passwd" is not a profile'),
    ({"softphone_profile": "../outside.yaml"}, '"../outside.yaml" is not a profile'),
    ({"softphone_profile": "x" * 5000}, "its value is too long"),
    ({"host": "x" * 100_000}, "the form is too long"),
    ({"host": "gopher://edge"}, "gopher"),
    ({"host": "http://edge.example"}, "not this machine"),
    ({"softphone_authorized": "true"}, '"softphone_authorized" is not a field of this form'),
    ({"softphone_runs": "/tmp"}, '"softphone_runs" is not a field of this form'),
]
NOT_THERE = [
    "runs/../../outside.json",
    "runs/..%2f..%2foutside.json",
    "runs/%2e%2e.json",
    "comparison?run=../../outside",
    "comparison?run=..",
]


def test_other_form_values_and_ids_outside_the_runs_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "outside.json").write_text("{}")
    (tmp_path / "outside.yaml").write_text(TINY)
    (tmp_path / "runs").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "run.json").write_text("{}")
    (tmp_path / "runs" / "link").symlink_to(tmp_path / "elsewhere")
    port = unused_port()
    with running_locust(tmp_path, "--web-host", "127.0.0.1", "--web-port", str(port), profile=None):
        web = WebUI(port)
        eventually(web.is_there)
        for fields, message in REFUSED:
            answer = web.answer(**fields)
            assert not answer["success"], fields
            assert message in answer["message"]
            assert len(answer["message"]) < 1000
        for path in (*NOT_THERE, "runs/link.json"):
            with pytest.raises(urllib.error.HTTPError) as caught:
                web.get(f"/softphone/{path}")
            assert caught.value.code == 404
            caught.value.close()
        assert web.live() == {"phase": "idle", "problems": [], "workers": None, "run": None}
    assert records(tmp_path / "elsewhere") == []


def test_no_record_is_read_while_this_process_makes_load(tmp_path: Path) -> None:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "long.yaml").write_text(TINY.replace("name: tiny", "name: long").replace("500ms", "10m"))
    (tmp_path / "scenarios" / "tiny.yaml").write_text(TINY)
    port = unused_port()
    with running_locust(tmp_path, "--web-host", "127.0.0.1", "--web-port", str(port), profile=None):
        web = WebUI(port)
        eventually(web.is_there)
        web.start("tiny")
        eventually(lambda: len(records(tmp_path, even_late=True)) == 1)
        (tiny,) = (tmp_path / "runs").glob("*-tiny")
        shutil.copytree(tiny, tmp_path / "runs" / "19990101T000000.000000Z-copied")
        eventually(lambda: web.live()["phase"] == "idle")

        web.start("long")
        eventually(lambda: web.live()["phase"] == "running")
        page = web.get("/softphone/runs")
        assert f'value="{tiny.name}"' in page, "a run of this process is in the index"
        assert "19990101T000000.000000Z-copied: not read during a run" in page
        web.stop()
        eventually(lambda: web.live()["phase"] == "idle")
        assert 'value="19990101T000000.000000Z-copied"' in web.get("/softphone/runs")
