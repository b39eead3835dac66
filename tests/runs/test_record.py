"""The run record: what it is made of, what it is judged by, and a file that is whole or not there."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hdrh.histogram import HdrHistogram

from locust_softphone.config.expectation import Expectation
from locust_softphone.errors import InputError
from locust_softphone.metrics.catalogue import FIELDS, fields_of
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.metrics.tally import Attempt, Tally
from locust_softphone.report.summary import summary_lines
from locust_softphone.runs.record import SCHEMA_VERSION, Aborted, RunFacts, build, facts, read, write
from tests.runs.records import a_record

GOLDEN = Path(__file__).parents[1] / "golden"
BALANCED = {"balanced": True, "rows": [], "problems": []}


def a_run(*expectations: str, planned: Sequence[int] = (2,), **known: Any) -> RunFacts:
    usual: dict[str, Any] = {
        "run_id": "20260801T120000Z-smoke",
        "profile": {"name": "smoke", "dialect": "media-offer"},
        "planned": planned,
        "calls_each": 1,
        "target": {"url": "http://127.0.0.1:8080", "simulated": True},
        "versions": {"python": "3.11"},
        "workers": 0,
        "times": {"ended": "plan over"},
        "edge": {},
        "ledger": BALANCED,
        "expectations": [Expectation.parse(text) for text in expectations],
    }
    return RunFacts(**{**usual, **known})


def two_softphones() -> Tally:
    """One that was answered at once; one whose offer was refused, and which gave up."""
    tally = Tally()
    for number, outcome, status in ((0, Outcome.OK, None), (1, Outcome.RATE_LIMITED, 429)):
        at_s = number * 0.5
        tally.count("started", at_s)
        tally.latencies["start_lag"].record(0.001)
        tally.attempt(Attempt("token", at_s, at_s, at_s + 0.1, Outcome.OK))
        tally.attempt(Attempt("handshake", at_s, at_s + 0.1, at_s + 0.2, Outcome.OK))
        tally.count("connected", at_s + 0.2)
        tally.attempt(Attempt("offer", at_s, at_s + 0.2, at_s + 0.3, outcome, status))
    tally.count("answered", 0.3)
    tally.count("calls.answered", 0.3)
    tally.latencies["call_setup"].record(0.3)
    tally.count("gave_up", 0.8)
    tally.count("closes.1000", 2.0)
    tally.count("closes.1006", 0.9)
    tally.count("abnormal_closes.lost", 0.9)
    return tally


# What is in it


def test_the_figures_of_a_run() -> None:
    record = build(a_run(), two_softphones())
    assert record["totals"] == {
        "planned": 2,
        "started": 2,
        "connected": 2,
        "answered": 1,
        "gave_up": 1,
        "unfinished": 0,
        "calls_planned": 2,
        "calls_answered": 1,
    }
    assert record["steps"]["offer"]["attempts"] == 2
    assert record["steps"]["offer"]["outcomes"] == {"ok": 1, "rate_limited": 1}
    assert record["steps"]["offer"]["service_s"]["p50"] == pytest.approx(0.1, rel=1e-3)
    assert record["steps"]["offer"]["response_s"]["p50"] == pytest.approx(0.3, rel=1e-3)
    assert record["rate_limited"] == {"total": 1, "token": 0, "handshake": 0, "offer": 1}
    assert record["closes"] == {"1000": 1, "1006": 1}
    assert record["abnormal_closes"]["total"] == record["abnormal_closes"]["lost"] == 1
    assert record["time_to_connected_s"] == pytest.approx(0.7)


def test_nobody_knows_when_all_were_connected_as_long_as_one_is_not() -> None:
    assert build(a_run(planned=(3,)), two_softphones())["time_to_connected_s"] is None


def test_the_timeline_holds_the_plan_against_what_happened_in_each_second() -> None:
    timeline = build(a_run(planned=(1, 1)), two_softphones())["timeline"]
    assert [(second["second"], second["planned"], second.get("started", 0)) for second in timeline] == [
        (0, 1, 2),
        (1, 1, 0),
        (2, 0, 0),
    ]


def test_histograms_can_be_merged_after_the_run() -> None:
    record = build(a_run(), two_softphones())
    both = HdrHistogram(1, 3_600_000_000, 3)
    for step in ("token", "offer"):
        both.decode_and_add(record["histograms"][f"{step}.service"].encode())
    assert both.get_total_count() == 4


def test_every_field_that_an_expectation_can_name_is_a_fact_of_the_record() -> None:
    known = facts(build(a_run(), two_softphones()))
    assert fields_of("media-offer") == known.keys() - {"closes.1000", "closes.1006"}
    assert known["attempts"] == 6
    assert known["amplification"] == 3.0
    assert known["call_setup.p95"] == pytest.approx(0.3, rel=1e-3)


def test_a_run_in_which_nothing_happened_has_a_record_without_invented_figures() -> None:
    known = facts(build(a_run(planned=(0,)), Tally()))
    nothing = {name for name, value in known.items() if value is None}
    assert nothing == {name for name in known if FIELDS.get(name) in ("ratio", "seconds")}
    assert {value for name, value in known.items() if name not in nothing} == {0}


# The verdict


@pytest.mark.parametrize(
    ("expectations", "invalid", "verdict", "exit_code", "why"),
    [
        ((), (), "passed", 0, "nothing was expected"),
        (("connected == 100%", "rate_limited > 0"), (), "passed", 0, "every expectation held"),
        (("connected == 100%", "rate_limited == 0"), (), "failed", 1, "one of them did not"),
        (("call_setup.p95 < 800ms",), (), "passed", 0, "one about a duration"),
        (("rate_limited > 0",), ("a worker was lost",), "invalid", 3, "a run that is not valid cannot pass"),
        (("rate_limited == 0",), ("a worker was lost",), "invalid", 3, "nor can it fail"),
    ],
)
def test_the_verdict(
    expectations: Sequence[str], invalid: Sequence[str], verdict: str, exit_code: int, why: str
) -> None:
    record = build(a_run(*expectations, invalid=invalid), two_softphones())
    assert (record["verdict"], record["exit_code"]) == (verdict, exit_code), why
    assert record["validity"] == {"valid": not invalid, "reasons": list(invalid)}, why


def test_each_expectation_is_judged_on_its_own() -> None:
    record = build(a_run("answered == 50%", "gave_up == 0"), two_softphones())
    assert record["expectations"] == [
        {"text": "answered == 50%", "held": True, "measured": 1},
        {"text": "gave_up == 0", "held": False, "measured": 1},
    ]


def test_a_run_that_was_aborted_says_by_what_and_leaves_open_what_was_not_decided() -> None:
    texts = ("rate_limited == 0", "rate_limited.token == 0", "answered >= 25%", "answered == 100%")
    by = Expectation.parse(texts[0])
    record = build(a_run(*texts, aborted=Aborted(by, after_s=1.5, calls_each=1)), two_softphones())
    assert record["aborted"] == {"by": "rate_limited == 0", "after_s": 1.5}
    assert {each["text"]: each["held"] for each in record["expectations"]} == dict(
        zip(texts, (False, None, True, False), strict=True)
    )
    assert (record["verdict"], record["exit_code"]) == ("failed", 1)
    said = summary_lines({**a_record(), **{key: record[key] for key in ("aborted", "expectations")}})
    assert "  aborted after 1.5 s: rate_limited == 0 could no longer hold" in said
    assert "  expected rate_limited.token == 0: not decided" in said


# The file


def test_what_was_written_is_what_is_read(tmp_path: Path) -> None:
    record = build(a_run("answered == 50%"), two_softphones())
    folder = tmp_path / "runs" / record["run_id"]
    path = write(record, folder)
    assert path == folder / "run.json"
    assert read(path) == read(folder) == record
    assert [each.name for each in folder.iterdir()] == ["run.json"]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(InputError) as caught:
        write({}, tmp_path / "runs" / "smoke")
    assert str(caught.value) == (
        f"{tmp_path}/runs/smoke/run.json: the run record cannot be written (Not a directory); see --softphone-runs"
    )


WRITE_WITH_NO_ROOM = """
import resource, sys
from pathlib import Path
from locust_softphone.errors import InputError
from locust_softphone.runs.record import write

resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    write({"totals": ["x" * 100] * 1000}, Path(sys.argv[1]))
except InputError as error:
    print(error)
"""


def test_a_disk_without_room_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    write({"earlier": True}, tmp_path)
    said = subprocess.check_output([sys.executable, "-c", WRITE_WITH_NO_ROOM, str(tmp_path)], text=True, timeout=30)
    path = tmp_path / "run.json"
    assert said == f"{path}: the run record cannot be written (File too large); see --softphone-runs\n"
    assert json.loads(path.read_text()) == {"earlier": True}
    assert [each.name for each in tmp_path.iterdir()] == ["run.json"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "not a run record (no valid JSON); was it cut short?"),
        (b'{"schema_version": 1, "totals": {"pla', "not a run record (no valid JSON); was it cut short?"),
        (b"\xff\xfe{}", "not a run record (no valid JSON); was it cut short?"),
        (b"[" * 100_000, "not a run record (no valid JSON); was it cut short?"),
        (b"[]", "not a run record of locust-softphone"),
        (b"null", "not a run record of locust-softphone"),
        (b'{"name": "some-package", "version": "1.0"}', "not a run record of locust-softphone"),
        (b'{"schema_version": 1}', "not a run record of locust-softphone"),
        (
            b'{"schema_version": 3, "totals": {}}',
            f"schema version 3, this version of locust-softphone reads 1 to {SCHEMA_VERSION}",
        ),
        (
            b'{"schema_version": "\\n2", "totals": {}}',
            f"schema version \\n2, this version of locust-softphone reads 1 to {SCHEMA_VERSION}",
        ),
        (b'{"schema_version": 1, "totals": {}}', "not a complete run record (KeyError: 'retries')"),
    ],
)
def test_a_file_that_is_no_record(tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(InputError, match=f"^{re.escape(f'{tmp_path}/run.json: {problem}')}$"):
        read(tmp_path)


def test_a_record_of_the_schema_before_is_read_as_one_of_today() -> None:
    """``run-schema-1.json`` was written by the version that had schema 1."""
    record = read(GOLDEN / "run-schema-1.json")
    assert record["schema_version"] == SCHEMA_VERSION
    assert record["aborted"] is None
    assert [(each["text"], each["held"], each["measured"]) for each in record["expectations"]] == [
        ("answered == 100%", True, 10),
        ("rate_limited == 0", True, 0),
    ]
    assert fields_of("media-offer") <= facts(record).keys()


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=re.escape("cannot be read (No such file or directory)")):
        read(tmp_path)
