"""Whole runs with a real Locust process and a real edge: exit codes, record, statistics, messages."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.edge_process import running_edge
from tests.swarm.forked_locust import ForkedLocust
from tests.swarm.locust_process import TINY, Finished, records, run_locust

STEPS = ["token", "handshake", "ready", "offer", "close"]


def edit(text: str, **changes: str) -> str:
    """A profile with some of its lines replaced, and others added."""
    lines = dict(line.split(": ", 1) for line in text.strip().splitlines())
    return "".join(f"{key}: {value}\n" for key, value in {**lines, **changes}.items())


# A run that passes


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = tmp_path_factory.mktemp("smoke")
    outputs = ("--csv", "stats", "--html", "report.html", "--json-file", "stats")
    sources = ("--softphone-source-address", "127.0.0.2-127.0.0.3")
    return run_locust(folder, "--softphone-profile", "smoke", *outputs, *sources, profile=None)


def test_a_run_ends_with_its_plan_and_exits_with_0(smoke: Finished) -> None:
    assert smoke.returncode == 0
    assert [each for each in smoke.complaints if not each.startswith("the event loop lags")] == []
    assert "2 of 2 expectations held" in smoke.stdout


def test_the_record_of_a_run_is_complete(smoke: Finished) -> None:
    record = smoke.record
    assert record["verdict"] == "passed"
    assert record["totals"]["planned"] == record["totals"]["answered"] == 10
    assert record["ledger"]["balanced"] is True
    assert record["times"]["ended"] == "plan over"
    assert (record["workers"], record["source_addresses"]) == (0, 2)
    assert record["target"]["simulated"] is True
    assert [step for step in STEPS if record["steps"][step]["attempts"] == 0] == []
    assert record["start_lag_s"]["count"] == 10
    assert sum(second.get("started", 0) for second in record["timeline"]) == 10
    assert sum(second.get("call_setup", {}).get("count", 0) for second in record["timeline"]) == 10
    for name in ("connected_now", "in_call_now"):
        assert max(second.get(name, 0) for second in record["timeline"]) == 10
    assert all(each["held"] for each in record["expectations"])


def test_locusts_own_statistics_show_the_steps_under_their_fixed_names(smoke: Finished) -> None:
    with (smoke.folder / "stats_stats.csv").open() as file:
        rows = {(row["Type"], row["Name"]): int(row["Request Count"]) for row in csv.DictReader(file)}
    assert rows == {
        ("POST", "token"): 1,
        ("WS", "handshake"): 10,
        ("WS", "ready"): 10,
        ("POST", "offer"): 10,
        ("WS", "close"): 10,
        ("CALL", "call setup"): 10,
        ("", "Aggregated"): 51,
    }
    assert {entry["name"] for entry in json.loads((smoke.folder / "stats.json").read_text())} == {*STEPS, "call setup"}
    html = (smoke.folder / "report.html").read_text()
    assert [name for name in (*STEPS, "call setup") if f'"{name}"' not in html] == []


def test_locusts_html_report_has_our_section(smoke: Finished) -> None:
    html = (smoke.folder / "report.html").read_text()
    assert html.count('<section id="softphone">') == 1
    assert smoke.record["run_id"] in html
    assert html.rstrip().endswith("</html>")


# Runs that do not pass

LEAKY = """
from locust import events
from locust_softphone import ProfileShape, SoftphoneUser, install

install(events)


class Shape(ProfileShape):
    pass


class Leaky(SoftphoneUser):
    def script(self, phone):
        phone.live()
        if phone.number == 0:
            phone.context.dialect.client(0).fetch_token(0.0)  # no observer counts it
"""


def test_a_failed_expectation_exits_with_1(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("limits: {offer: {rate: 1/min, burst: 3}}")
    profile = edit(
        TINY, users="9", softphone="{retry: {max_retries: 0}}", expect="[answered == 100%, rate_limited > 0]"
    )
    run = run_locust(tmp_path, "--softphone-policy", "policy.yaml", "--csv", "stats", profile=profile)
    assert run.returncode == 1
    assert (run.record["verdict"], run.record["exit_code"]) == ("failed", 1)
    assert (run.record["totals"]["answered"], run.record["totals"]["gave_up"]) == (3, 6)
    assert run.record["ledger"]["balanced"] is True
    assert "✗ answered == 100%: " in run.stdout
    assert "✓ rate_limited > 0: " in run.stdout
    attempts = {step: each["attempts"] for step, each in run.record["steps"].items()}
    observed = {name: each["count"] for name, each in run.record["observations"].items()}
    assert observed["offer"] == attempts["offer"] == observed["session"] == 9
    assert all(count == attempts[step] for step, count in observed.items() if step != "session")
    (limit,) = run.record["limits"]
    assert (limit["step"], limit["status"], limit["requests"], limit["refused"]) == ("offer", 429, 9, 6)
    assert "limits       offer: 6 of 9 requests were refused with 429" in run.stdout
    with (tmp_path / "stats_failures.csv").open() as file:
        rows = [(row["Method"], row["Name"], row["Error"], row["Occurrences"]) for row in csv.DictReader(file)]
    assert sorted(rows) == [
        ("CALL", "call setup", "AttemptFailed(rate_limited (HTTP 429))", "6"),
        ("POST", "offer", "AttemptFailed(rate_limited (HTTP 429))", "6"),
    ], "one row for each kind of failure, not for each softphone"


def test_a_ledger_that_does_not_balance_exits_with_3(tmp_path: Path) -> None:
    run = run_locust(tmp_path, locustfile=LEAKY)
    assert run.returncode == 3
    assert run.record["verdict"] == "invalid"
    assert run.record["ledger"]["problems"] == ["token: the edge counted 2 requests, softphones sent 1"]
    assert "DOES NOT BALANCE" in run.stdout


NO_PERMISSION = (
    "--host http://192.0.2.1: not this machine. A load test needs its owner's permission: "
    "add --authorized once you have it"
)
NO_CLIENT = "--host http://192.0.2.1: needs LOCUST_SOFTPHONE_CLIENT_ID and LOCUST_SOFTPHONE_CLIENT_SECRET"


@pytest.fixture(scope="module")
def forked() -> Iterator[ForkedLocust]:
    with ForkedLocust() as locust:
        yield locust


SIX_PROBLEMS = "a: 1\nb: 2\nc: 3\nd: 4\ne: 5\nf: 6\n"


@pytest.mark.parametrize(
    ("options", "profile", "problems"),
    [
        (["--softphone-profile", "smok"], None, ['"smok" is not a profile, ']),
        (["--softphone-profile", "missing.yaml"], None, ["missing.yaml: no such file or directory"]),
        ([], edit(TINY, users="none", hald="3s"), ["tiny.yaml:2: users: ", "tiny.yaml:6: hald: unknown key, "]),
        ([], edit(TINY, softphone="{like: sdk-2.3}"), ['tiny.yaml:6: softphone.like: "sdk-2.3" is not a behaviour, ']),
        (["--host", "http://127.0.0.1:1"], TINY, ["--host http://127.0.0.1:1: connect_refused: nothing listens there"]),
        (["--host", "edge.example"], TINY, ["--host 'edge.example': not an http, https, ws or wss URL, "]),
        (["--host", "http://192.0.2.1"], TINY, [NO_PERMISSION, NO_CLIENT]),
        (
            ["--host", "http://[::1]:1", "--softphone-policy", "tiny.yaml"],
            TINY,
            ["--softphone-policy: only for "],
        ),
        (["--host", "https://127.0.0.1:1", "--softphone-ca", "no.pem"], TINY, ["--softphone-ca no.pem: no readable "]),
        (
            ["--softphone-source-address", "192.0.2.1"],
            TINY,
            ["--softphone-source-address 192.0.2.1: not an address of this machine"],
        ),
        (["--softphone-runs", "tiny.yaml/runs"], TINY, ["--softphone-runs tiny.yaml/runs: cannot be written to "]),
        (["--softphone-policy", "missing.yaml"], TINY, ["missing.yaml: no such file or directory"]),
        (["--softphone-policy", "policy.yaml"], TINY, [f"policy.yaml:{line}: " for line in range(1, 7)]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_exits_with_2_and_a_line_for_each_problem(
    forked: ForkedLocust, tmp_path: Path, options: list[str], profile: str | None, problems: list[str]
) -> None:
    (tmp_path / "policy.yaml").write_text(SIX_PROBLEMS)
    run = forked.run(tmp_path, "--headless", *options, profile=profile)
    assert run.returncode == 2
    assert len(run.complaints) == len(problems), run.complaints
    assert [said[: len(due)] for said, due in zip(run.complaints, problems, strict=True)] == problems
    assert run.stdout == ""
    assert "Aggregated" not in run.stderr, "no empty table of statistics"
    assert records(tmp_path) == []


@pytest.mark.parametrize("processes", [(), ("--processes", "2")])
def test_a_run_that_cannot_start_leaves_nothing_of_locusts_behind(tmp_path: Path, processes: tuple[str, ...]) -> None:
    """The policy in a profile is read when the run starts: Locust is about to create its users."""
    run = run_locust(tmp_path, "--only-summary", *processes, profile=edit(TINY, edge="{limts: {}}"))
    assert run.returncode == 2
    assert run.complaints == ["tiny: edge: limts: unknown key, did you mean limits?"]
    assert (run.stdout, records(tmp_path)) == ("", [])
    assert [said for said in ("All users spawned", "Aggregated", "Traceback") if said in run.stderr] == []


def test_a_certificate_that_does_not_verify_exits_with_2(tmp_path: Path) -> None:
    issued = trustme.CA().issue_cert("127.0.0.1")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    with running_edge(tls=(tmp_path / "cert.pem", tmp_path / "key.pem")) as edge:
        run = run_locust(tmp_path, "--host", edge.url)
    assert run.returncode == 2
    (complaint,) = run.complaints
    assert complaint.startswith(f"--host {edge.url}: tls_failed: its certificate is signed by ")
    assert complaint.endswith("give the certificate of that authority with --softphone-ca FILE")
