"""The command ``compare``, as a process of its own."""

from __future__ import annotations

import argparse
import json
import os
import pty
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import junitparser
import pytest

from locust_softphone.commands.compare import DEFAULT_PROFILES, add_arguments, locust_options, pause_between_runs_s
from locust_softphone.commands.run_sequence import plan_runs
from locust_softphone.config.profile_files import pack_folder
from tests.command_line import command
from tests.commands.profile_files import a_profile
from tests.edge_process import running_edge


def compare(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command("compare", *arguments), capture_output=True, text=True, check=False, **options)


def test_the_default_profiles_are_in_the_pack() -> None:
    planned = plan_runs(DEFAULT_PROFILES, [pack_folder()])
    assert [plan.name for plan in planned] == list(DEFAULT_PROFILES)
    assert all(plan.path.is_absolute() for plan in planned)


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(arguments)


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ([], []),
        (["--policy", "/p.yaml"], ["--softphone-policy", "/p.yaml"]),
        (["--client-secret-file", "secret"], ["--softphone-client-secret-file", f"{Path.cwd()}/secret"]),
        (
            ["--host", "https://edge.example", "--authorized", "--ca", "/ca.pem"],
            ["--softphone-ca", "/ca.pem", "--host", "https://edge.example", "--authorized"],
        ),
    ],
)
def test_the_options_of_each_locust_process(arguments: list[str], options: list[str]) -> None:
    assert locust_options(parsed("--runs", "/runs", *arguments)) == ["--softphone-runs", "/runs", *options]


@pytest.mark.parametrize(
    ("arguments", "pause_s"),
    [
        ([], 0.0),
        (["--host", "https://edge.example"], 60.0),
        (["--pause", "5s"], 5.0),
        (["--host", "https://edge.example", "--pause", "0s"], 0.0),
    ],
)
def test_only_a_given_edge_gets_a_pause_between_runs(arguments: list[str], pause_s: float) -> None:
    assert pause_between_runs_s(parsed(*arguments)) == pause_s


def test_with_junit_only_the_xml_is_printed(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("limits: {handshake: {rate: 1/min, burst: 1}}")
    profile = tmp_path / "tiny.yaml"
    profile.write_text(
        "name: tiny\nusers: 60\nramp: 60s\nsoftphone: {retry: {max_retries: 0}}\n"
        "expect: [{expect: rate_limited == 0, abort: true}, answered == 100%, pings_answered == 0]\n"
    )
    done = compare(profile, "--policy", "policy.yaml", "--format", "junit", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    (suite,) = junitparser.JUnitXml.fromstring(done.stdout.encode())
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (4, 2, 0, 1)


def test_a_pause_separates_two_runs(tmp_path: Path) -> None:
    profile = a_profile(tmp_path, "tiny", users=1)
    done = compare(profile, "--repeat", 2, "--pause", "1500ms", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    first, second = sorted(
        (json.loads(path.read_text())["times"] for path in tmp_path.glob("runs/*/run.json")),
        key=lambda times: str(times["end"]),
    )
    waited = datetime.fromisoformat(second["planned_start"]) - datetime.fromisoformat(first["end"])
    assert waited.total_seconds() > 1.5


def test_two_profiles_are_run_twice_whatever_the_user_has_configured_for_locust(tmp_path: Path) -> None:
    (tmp_path / "locust.conf").write_text("host = http://127.0.0.1:1\n")
    (tmp_path / ".locust.conf").write_text("no-such-option = 1\nheadless = maybe\n")
    outer = {**os.environ, "HOME": str(tmp_path), "LOCUST_HOST": "http://127.0.0.1:1", "COLUMNS": "100"}
    scenarios = tmp_path / "scenarios"
    scenarios.mkdir()
    a_profile(scenarios, "first")
    second = a_profile(tmp_path, "second", users=5, expect="rate_limited > 0")
    done = compare("first", second.name, "--repeat", 2, cwd=tmp_path, env=outer)

    assert done.returncode == 1, done.stderr  # second expects what does not happen
    assert re.findall(r"^(\S+ #\d) +\d.*", done.stdout, re.M) == ["first #1", "first #2", "second #1", "second #2"]
    assert "✗ rate_limited > 0: 0" in done.stdout
    assert "first and second" not in done.stderr
    assert [line.partition(",")[0] for line in done.stderr.splitlines()[::2]] == [
        "1 of 4: first begins",
        "2 of 4: second begins",
        "3 of 4: first begins",
        "4 of 4: second begins",
    ]

    (folder,) = (tmp_path / "runs").glob("*-comparison")
    names = ["1-first", "2-second", "3-first", "4-second"]
    left = [*names, *(f"{name}.log" for name in names), "comparison.html"]
    assert sorted(path.name for path in folder.iterdir()) == sorted(left)
    records = [json.loads((folder / name / "run.json").read_text()) for name in names]
    assert [record["ledger"]["balanced"] for record in records] == [True] * 4
    assert [record["totals"]["answered"] for record in records] == [3, 5, 3, 5]
    assert len({record["target"]["url"] for record in records}) == 4  # an edge of its own each
    assert len(list((tmp_path / "runs").glob("*/run.json"))) == 4

    again = f"locust-softphone report runs/{folder.name}"
    text, _, last = done.stdout.rpartition("\npage: ")
    assert last == f"runs/{folder.name}/comparison.html\nagain: {again}\n"
    arguments = [*again.split()[1:], "--html", "later.html"]
    shown = subprocess.run(command(*arguments), capture_output=True, text=True, cwd=tmp_path, env=outer)
    assert (shown.stdout, shown.stderr, shown.returncode) == (f"{text}\npage: later.html\n", "", 1)
    assert (tmp_path / "later.html").read_text() == (folder / "comparison.html").read_text()


def test_the_secret_of_a_client_is_not_written_anywhere(tmp_path: Path) -> None:
    policy = "organisations: [{client_id: ours, client_secret: top-secret-9}]"
    outer = {**os.environ, "LOCUST_SOFTPHONE_CLIENT_ID": "ours", "LOCUST_SOFTPHONE_CLIENT_SECRET": "top-secret-9"}
    profile = a_profile(tmp_path, "first")
    with running_edge(policy) as edge:
        done = compare(profile, "--host", edge.url, "--runs", tmp_path / "runs", env=outer)
        assert done.returncode == 0, done.stderr
        assert edge.stats()["steps"]["offer"]["admitted"] == 3
    (path,) = (tmp_path / "runs").glob("*/run.json")
    assert json.loads(path.read_text())["target"]["url"] == edge.url
    written = [file.read_text() for file in (tmp_path / "runs").rglob("*") if file.is_file()]
    assert not [text for text in (*written, done.stdout, done.stderr) if "top-secret-9" in text]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (
            ["--host", "http://127.0.0.1:1"],
            "--host http://127.0.0.1:1: connect_refused: nothing listens there; is the edge running?",
        ),
        (["--policy", "missing.yaml"], "{cwd}/missing.yaml: no such file or directory"),
    ],
)
def test_input_that_the_first_run_refuses_is_reported_in_one_line(
    arguments: list[str], problem: str, tmp_path: Path
) -> None:
    done = compare(a_profile(tmp_path, "first"), a_profile(tmp_path, "second"), *arguments, cwd=tmp_path)
    first, *said = done.stderr.splitlines()
    assert first.startswith("1 of 2: first begins, ")
    assert said == [problem.format(cwd=tmp_path)]
    assert (done.stdout, done.returncode) == ("", 2)
    assert list((tmp_path / "runs").iterdir()) == []


def test_finished_runs_are_kept_when_a_later_run_cannot_be_made(tmp_path: Path) -> None:
    """The edge goes away in the middle: the first run is reported, the others are named."""
    profiles = [a_profile(tmp_path, name) for name in ("first", "second", "third")]
    with running_edge() as edge:
        running = subprocess.Popen(
            command("compare", *profiles, "--host", edge.url, "--runs", tmp_path / "runs"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        await_(lambda: (tmp_path / "runs").glob("*-first/run.json"), running)
    out, err = running.communicate()
    assert re.search(r"^first: 3 of 3 answered", out, re.M)
    assert "\n  --host" in err
    assert re.search(r"^missing from the comparison: second \(.*\), third \(not run\)$", err, re.M)
    assert running.returncode in (2, 3)  # refused at the second, or cut off in the middle of it


def test_ctrl_c_keeps_finished_runs(tmp_path: Path) -> None:
    profiles = [
        a_profile(tmp_path, "first"),
        a_profile(tmp_path, "second", hold="10m"),
        a_profile(tmp_path, "third"),
    ]
    runs = tmp_path / "runs"
    with subprocess.Popen(
        command("compare", *profiles, "--runs", runs),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        await_(lambda: runs.glob("*-first/run.json"), running)
        await_(lambda: [log for log in runs.glob("*/2-second.log") if "All users spawned" in log.read_text()], running)
        os.killpg(running.pid, signal.SIGINT)  # as a terminal does: to the whole group
        out, err = running.communicate()
    assert running.returncode == 3, err
    assert re.search(r"^first: 3 of 3 answered", out, re.M)
    assert "second:" not in out
    (cut_short,) = runs.glob("*-second")
    assert json.loads((cut_short / "run.json").read_text())["times"]["ended"] == "stopped"
    assert "\nstopping: all softphones hang up; press Ctrl-C again to kill the run\n" in err
    assert err.splitlines()[-1] == f"missing from the comparison: second (cut short, see {cut_short}), third (not run)"
    assert not list(runs.glob("*-third"))


def test_on_a_terminal_a_bar_shows_the_run_and_the_time_left(tmp_path: Path) -> None:
    ours, its = pty.openpty()
    running = subprocess.Popen(
        command("compare", a_profile(tmp_path, "first"), "--runs", tmp_path / "runs"),
        stdout=its,
        stderr=its,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "80", "NO_COLOR": ""},
    )
    os.close(its)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", b"".join(chunks(ours)).decode())
    os.close(ours)
    assert running.wait() == 0
    assert len(re.findall(r"1 of 1: first \S+ +0:0\d left", text)) > 2  # as time goes by
    assert re.search(r"1 of 1: first done, after \d:\d\d", text)
    assert "first: 3 of 3 answered" in text


def await_(condition: Callable[[], Iterable[object]], process: subprocess.Popen[str]) -> None:
    """Wait until there is something, for as long as the process runs."""
    while not list(condition()):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def chunks(terminal: int) -> Iterable[bytes]:
    """All that is written to a terminal, until its other end is closed."""
    while True:
        try:
            yield os.read(terminal, 65536)
        except OSError:  # EIO
            return


def test_each_run_can_use_several_workers(tmp_path: Path) -> None:
    finished = subprocess.run(
        command("compare", a_profile(tmp_path, "first"), "--runs", tmp_path / "runs", "--workers", "2"),
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr
    (record,) = (tmp_path / "runs").glob("*-first/run.json")
    assert json.loads(record.read_text())["workers"] == 2


def test_a_sweep_makes_one_run_for_each_value(tmp_path: Path) -> None:
    profile = a_profile(tmp_path, "p")
    done = compare(profile, "--sweep", "users=1,2", "--runs", tmp_path / "runs", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert [run["profile"] for run in json.loads(done.stdout)["runs"]] == ["p-users-1", "p-users-2"]


def test_a_comparison_can_be_simulated(tmp_path: Path) -> None:
    done = compare("smoke", "--simulate", "--set", "users=7", "--runs", tmp_path / "runs")
    assert done.returncode == 0, done.stderr
    assert "7 of 7 answered" in done.stdout
    assert "simulated with a round trip of 1 ms" in done.stdout
    assert len(list((tmp_path / "runs").glob("*/run.json"))) == 1


def test_a_simulated_comparison_has_no_host(tmp_path: Path) -> None:
    done = compare("smoke", "--simulate", "--host", "https://edge.example", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, "--host: nothing is sent with --simulate; leave one of the two out\n")
