"""The output formats, each read back by the software that it is for, or validated by its schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import junitparser
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from locust_softphone.cli import main
from locust_softphone.report.comparison import Comparison, compare_runs
from locust_softphone.report.formats import FORMATS
from locust_softphone.runs.record import RunRecord
from locust_softphone.runs.storage import write
from locust_softphone.schemas.files import COMPARISON_SCHEMA
from tests.runs.records import a_record, changed, replaced


def compared(*records: RunRecord) -> Comparison:
    return compare_runs(
        replaced(record, run_id=f"20260801T12000{number}.000000Z-{record.name}")
        for number, record in enumerate(records)
    )


def every_kind() -> Comparison:
    """A run that passed, one that failed, one that is invalid, and one that was aborted."""
    expect = ["answered == 100%", "rate_limited == 0"]
    return compared(
        a_record("paced", ramp="1s", expect=expect),
        a_record("burst", answered=4, limited={"offer": 6}, abnormal={"reset": 2}, expect=expect),
        a_record("stopped", ramp="2s", expect=expect, invalid=["stopped <early> & \x00 late"]),
        a_record("cut", ramp="3s", gave_up=0, answered=2, limited={"offer": 1}, expect=expect, aborted_by=expect[1]),
    )


# JUnit, read back by junitparser


def test_junit_has_each_expectation_of_each_run_as_a_test() -> None:
    suites = list(junitparser.JUnitXml.fromstring(FORMATS["junit"](every_kind()).encode()))
    assert [(suite.name, suite.tests, suite.failures, suite.errors, suite.skipped) for suite in suites] == [
        ("paced", 3, 0, 0, 0),
        ("burst", 3, 2, 0, 0),
        ("stopped", 3, 0, 1, 0),
        ("cut", 3, 1, 0, 1),
    ]
    assert suites[0].timestamp == "2026-08-01T12:00:00"
    assert suites[0].time == 20
    assert [case.name for case in suites[1]] == ["the run is valid", "answered == 100%", "rate_limited == 0"]
    assert [case.classname for case in suites[1]] == ["burst"] * 3
    assert [[result.message for result in case.result] for case in suites[1]] == [
        [],
        ["measured 40% (4 of 10)"],
        ["measured 6"],
    ]
    assert [result.message for case in suites[2] for result in case.result] == ["stopped <early> & \ufffd late"]
    assert [type(result) for case in suites[3] for result in case.result] == [junitparser.Skipped, junitparser.Failure]


# OpenMetrics, read back by Prometheus' parser


def test_openmetrics() -> None:
    families = {family.name: family for family in text_string_to_metric_families(FORMATS["openmetrics"](every_kind()))}
    assert families["softphone_attempts"].type == "counter"
    assert families["softphone_call_setup_seconds"].type == "summary"

    def values(name: str, family: str, **labels: str) -> list[float]:
        samples = [sample for sample in families[family].samples if sample.name == name]
        return [sample.value for sample in samples if labels.items() <= sample.labels.items()]

    of_burst = {"profile": "burst"}
    assert values("softphone_softphones", "softphone_softphones", **of_burst, state="answered") == [4]
    assert values("softphone_attempts_total", "softphone_attempts", step="offer", outcome="rate_limited") == [6, 1]
    assert values("softphone_abnormal_closes_total", "softphone_abnormal_closes", **of_burst, cause="reset") == [2]
    assert values("softphone_expectation_held", "softphone_expectation_held", **of_burst) == [0, 0]
    assert values("softphone_expectation_held", "softphone_expectation_held", profile="cut") == [
        0
    ]  # one is not decided
    assert values("softphone_run_exit_code", "softphone_run_exit_code") == [0, 1, 3, 1]
    calls = {"since": "planned", "profile": "paced"}
    assert values("softphone_call_setup_seconds_count", "softphone_call_setup_seconds", **calls) == [10]
    (p95,) = values("softphone_call_setup_seconds", "softphone_call_setup_seconds", **calls, quantile="0.95")
    assert p95 == pytest.approx(0.2, rel=1e-3)
    stamps = {str(sample.timestamp) for family in families.values() for sample in family.samples}
    assert {float(stamp) for stamp in stamps} == {1785585620.0}  # 2026-08-01 12:00:20 UTC, the end of the runs


def test_openmetrics_has_a_run_that_is_given_twice_once() -> None:
    record = a_record()
    text = FORMATS["openmetrics"](compare_runs([record, record]))
    (verdict,) = (f for f in text_string_to_metric_families(text) if f.name == "softphone_run_exit_code")
    assert len(verdict.samples) == 1


# JSON, by its schema


def validate(text: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(text)
    schema = json.loads(COMPARISON_SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(content)
    return content


def test_json_of_single_runs_has_no_intervals() -> None:
    content = validate(FORMATS["json"](every_kind()))
    assert [run["verdict"] for run in content["runs"]] == ["passed", "failed", "invalid", "failed"]
    assert content["runs"][1]["figures"]["rate_limited.offer"] == 6
    assert [plan["label"] for plan in content["plans"]] == ["paced", "burst"]  # the comparable ones
    assert content["plans"][1]["figures"]["answered"] == {"value": 0.4, "low": None, "high": None}
    (difference,) = content["differences"]
    assert difference["changed"] == [{"part": "ramp", "name": "ramp", "from": "1s", "to": "0s"}]
    assert difference["figures"]["rate_limited"] == {"value": 6, "low": None, "high": None, "noise": None}


def test_json_of_repeated_runs_says_what_is_noise() -> None:
    records = [
        a_record(name, users=100, answered=answered + more, limited={"offer": limited}, ramp=ramp)
        for answered in (40, 50, 45)
        for name, ramp, more, limited in (("a", "0s", 0, 20), ("b", "1s", 3, 80))
    ]
    (difference,) = validate(FORMATS["json"](compared(*records)))["differences"]
    assert (difference["from"], difference["to"]) == ("a", "b")
    assert difference["figures"]["answered"]["noise"] is True
    assert difference["figures"]["rate_limited"] == {
        "value": 60,
        "low": pytest.approx(58.26, abs=0.01),  # 3.69 / 3 * sqrt(2) less: runs that are all alike are not certain
        "high": pytest.approx(61.74, abs=0.01),
        "noise": False,
    }


# Markdown


def test_markdown_has_the_findings_the_tables_and_the_expectations() -> None:
    odd = changed(
        a_record(answered=4, expect=["answered == 100%"]), lambda content: content["profile"].update(name="b|_x_")
    )
    text = FORMATS["markdown"](compared(a_record("paced", ramp="1s"), odd))
    table = [line for line in text.splitlines() if line.startswith("| ")]
    assert table[0].startswith("| run | answered | gave up | connected |")
    assert table[2].startswith("| paced | 10 of 10 | 0 | 10 |")
    assert table[3].startswith(r"| b\|\_x\_ | 4 of 10 | 6 | 4 |")
    assert r"**b\|\_x\_**: 4 of 10 answered, 6 gave up" in text
    assert "- ✗ answered == 100%: 40% (4 of 10)" in text


# The command


@pytest.mark.parametrize("form", FORMATS)
def test_the_command_prints_only_the_format_and_has_the_same_exit_code(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = a_record("burst", answered=4, expect=["answered == 100%"])
    write(record, tmp_path / "1-burst")
    (tmp_path / "cut.json").write_text("{")
    assert main(["report", str(tmp_path / "1-burst"), "--format", form]) == 1
    assert capsys.readouterr().out == FORMATS[form](compare_runs([record]))
    assert main(["report", str(tmp_path / "1-burst"), str(tmp_path / "cut.json"), "--format", form]) == 2
    assert capsys.readouterr().err == f"{tmp_path}/cut.json: not a run record (no valid JSON); was it cut short?\n"


def test_the_list_of_runs_has_no_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--runs", str(tmp_path), "--format", "json"]) == 2
    assert capsys.readouterr().err == "--format json: needs the names of runs; the list of runs is text only\n"
