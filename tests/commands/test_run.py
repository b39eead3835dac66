"""``locust-softphone run`` and ``ui``: real Locust processes, started from a folder that has no locustfile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from locust_softphone.commands.locust_process import unused_port
from locust_softphone.swarm.option_list import PROFILE, STARTUP_OPTIONS
from tests.edge.softphone import eventually
from tests.edge_process import running_edge
from tests.swarm.locust_process import LOCUSTFILE, PATIENCE_S, TINY, records, run_locust
from tests.swarm.web_ui import WebUI

CLIENT = {"LOCUST_SOFTPHONE_CLIENT_ID": "locust-softphone", "LOCUST_SOFTPHONE_CLIENT_SECRET": "simulated"}


@contextmanager
def running(folder: Path, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A ``locust-softphone`` process in ``folder``."""
    (folder / "tiny.yaml").write_text(TINY)
    outer = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
    command = [sys.executable, "-m", "locust_softphone", *arguments]
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**outer, "HOME": str(folder), **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A ``locust-softphone run`` that has ended."""
    with running(folder, "run", *arguments, **environment) as process:
        out, err = process.communicate(timeout=PATIENCE_S)
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)


def test_a_profile_is_run_with_the_options_of_the_command_and_of_locust(tmp_path: Path) -> None:
    (tmp_path / "locust.py").write_text("raise SystemExit('this is not Locust')")
    with running_edge() as edge:
        url = f"http://127.1:{edge.address[1]}"  # needs permission: it is none of the documented spellings of loopback
        changed = ("--users", "3", "--set", "name=changed", "--set", "hold=900ms")
        options = ("--host", url, "--authorized", "--runs", "mine/runs", *changed, "--", "--csv", "tiny")
        done = run(tmp_path, "tiny.yaml", *options, **CLIENT)
    (record,) = records(tmp_path / "mine")
    assert (done.returncode, record["verdict"], record["target"]["url"]) == (0, "passed", url)
    profile = record["profile"]
    assert (profile["name"], profile["hold"], profile["users"]) == ("changed", "900ms", 3)
    assert f"run record: mine/runs/{record['run_id']}/run.json" in done.stdout
    assert "call setup" in (tmp_path / "tiny_stats.csv").read_text()
    assert "Current" not in done.stderr, "only a summary of Locust's statistics is printed"


def test_a_run_has_worker_processes_and_a_locustfile_of_the_user(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(LOCUSTFILE.read_text().replace("class Softphone(", "class Agent("))
    done = run(tmp_path, "tiny.yaml", "--workers", "2", "-f", "mine.py")
    (record,) = records(tmp_path)
    assert (done.returncode, record["fleet"]["workers"]) == (0, 2)
    assert '"Agent": 4' in done.stderr


def test_a_mistake_is_reported_before_locust_starts(tmp_path: Path) -> None:
    done = run(tmp_path, "tyni.yaml")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "tyni.yaml: no such file or directory\n")


def test_an_unknown_option_of_locust_is_named(tmp_path: Path) -> None:
    done = run(tmp_path, "tiny.yaml", "--", "--only-sumary")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "locust: error: unrecognized arguments: --only-sumary\nDid you mean '--only-summary'?\n"


def test_the_web_ui_has_the_profile_and_listens_on_this_machine_only(tmp_path: Path) -> None:
    port = unused_port()
    with running(tmp_path, "ui", "tiny.yaml", "--", "--web-port", str(port)) as process:
        web = WebUI(port)
        eventually(web.is_there)
        web.post(host="")
        eventually(lambda: len(records(tmp_path)) == 1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE_S)
    assert records(tmp_path)[0]["profile"]["name"] == "tiny"
    assert f"http://127.0.0.1:{port}" in err


def test_locusts_help_has_the_options_of_this_package_in_a_group_of_their_own(tmp_path: Path) -> None:
    with running(tmp_path, "ui", "--", "--help") as process:
        out, err = process.communicate(timeout=PATIENCE_S)
    _, _, group = out.partition("\nSoftphones:\n")
    assert (process.returncode, err) == (0, "")
    assert "--headless" in out
    for option in (PROFILE, *STARTUP_OPTIONS):
        assert f"\n  {option.in_locust} " in group or f"\n  {option.in_locust}\n" in group


def test_the_old_spelling_of_the_permission_is_read_with_one_warning(tmp_path: Path) -> None:
    (tmp_path / "env").mkdir()
    with running_edge() as edge:
        url = f"http://127.1:{edge.address[1]}"
        old = run_locust(tmp_path, "--host", url, "--softphone-authorized", environment=CLIENT)
        in_environment = run_locust(
            tmp_path / "env", "--host", url, environment={**CLIENT, "LOCUST_SOFTPHONE_AUTHORIZED": "true"}
        )
    warning = "--softphone-authorized is the old spelling of --authorized (it is still read)"
    assert (old.returncode, old.complaints.count(warning)) == (0, 1)
    assert (in_environment.returncode, in_environment.complaints.count(warning)) == (0, 0)
