"""A comparison as JUnit XML: a CI system shows each expectation of each run as a test.

testsuite burst-500                  one for each run
  testcase the run is valid          an error where it is not
  testcase answered == 100%          a failure where it did not hold, skipped where an abort left it undecided
testsuite burst-500 against main     one for each plan that was compared with a baseline
  testcase call_setup.p95            a failure where it got worse, skipped where that cannot be told
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from xml.etree import ElementTree

from locust_softphone.report.arms import Run
from locust_softphone.report.baseline_gate import ArmGate, GateResult
from locust_softphone.report.comparison import Comparison
from locust_softphone.report.judgement import judgement_of, measured
from locust_softphone.report.run_sections import summary_lines
from locust_softphone.runs.record import RunRecord
from locust_softphone.runs.record_parts import Expected

__all__ = ["junit"]

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(comparison: Comparison) -> str:
    """The runs as test suites."""
    root = ElementTree.Element("testsuites", name="locust-softphone")
    for run in comparison.runs:
        root.append(_suite(run))
    if gate := comparison.gate:
        root.extend(_gate_suite(arm, gate.baseline) for arm in gate.arms)
    for count in ("tests", "failures", "errors", "skipped"):
        root.set(count, str(sum(int(suite.get(count, 0)) for suite in root)))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _suite(run: Run) -> ElementTree.Element:
    record = run.record
    began, ended = map(datetime.fromisoformat, (record.times.planned_start, record.times.end))
    took_s = f"{max((ended - began).total_seconds(), 0):.3f}"
    suite = ElementTree.Element(
        "testsuite", name=_text(run.label), timestamp=began.replace(tzinfo=None).isoformat("T", "seconds"), time=took_s
    )
    properties = ElementTree.SubElement(suite, "properties")
    about = {
        "outcome": record.outcome,
        "judgement": judgement_of(record).text,
        "run_id": record.run_id,
        "target": record.target.url,
        "verdict": record.verdict,
    }
    for name, value in about.items():
        ElementTree.SubElement(properties, "property", name=name, value=_text(value))
    cases = [_validity(record), *(_expectation(each, record) for each in record.expectations)]
    for case in cases:
        case.set("classname", _text(record.name))
        suite.append(case)
    ElementTree.SubElement(suite, "system-out").text = _text("\n".join(summary_lines(record)))
    _count(suite, cases)
    return suite


def _gate_suite(arm: ArmGate, baseline: str) -> ElementTree.Element:
    """The comparison of one plan with a baseline: a test for each metric, or a skipped one where it cannot be told."""
    suite = ElementTree.Element("testsuite", name=_text(f"{arm.label} against the baseline {baseline}"))
    cases = []
    results = [(f"{each.metric} is not worse", each.result, each.text) for each in arm.metrics]
    for name, result, text in results or [("no metric is worse", arm.result, arm.why)]:
        case = ElementTree.SubElement(suite, "testcase", name=_text(name), classname=_text(arm.label))
        if result is GateResult.WORSE:
            ElementTree.SubElement(case, "failure", type="worse", message=_text(text))
        elif result is GateResult.CANNOT_TELL:
            ElementTree.SubElement(case, "skipped", message=_text(f"cannot tell: {text}"))
        cases.append(case)
    ElementTree.SubElement(suite, "system-out").text = _text(arm.sentence(baseline))
    _count(suite, cases)
    return suite


def _count(suite: ElementTree.Element, cases: Sequence[ElementTree.Element]) -> None:
    """Write the numbers of tests of each kind."""
    for count, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(count, str(sum(case.find(tag) is not None for case in cases)))
    suite.set("tests", str(len(cases)))


def _validity(record: RunRecord) -> ElementTree.Element:
    case = ElementTree.Element("testcase", name="the run is valid")
    if reasons := record.validity.reasons:
        ElementTree.SubElement(case, "error", type="invalid", message=_text("; ".join(reasons)))
    return case


def _expectation(each: Expected, record: RunRecord) -> ElementTree.Element:
    case = ElementTree.Element("testcase", name=_text(each.text))
    if each.held is False:
        ElementTree.SubElement(case, "failure", type="expectation", message=_text(f"measured {measured(each, record)}"))
    elif each.held is None:
        ElementTree.SubElement(case, "skipped", message="not decided: the run was aborted")
    return case


def _text(value: object) -> str:
    """A value without the characters that XML 1.0 does not allow."""
    return _NOT_IN_XML.sub("\ufffd", str(value))
