"""The figures that can be named: which there are, of what kind, and in which dialect."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from locust_softphone.config.expectation import Expectation
from locust_softphone.metrics.catalogue import FIELD_PATTERN, FIELDS, Kind, fields_of, kind_of
from locust_softphone.metrics.steps import DIALECTS


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        ("answered", "softphones"),
        ("rate_limited.offer", "count"),
        ("abnormal_closes.reset", "count"),
        ("closes", "count"),
        ("closes.1006", "count"),
        ("closes.4401", "count"),
        ("outcomes.handshake.timed_out", "count"),
        ("reconnects.failed", "count"),
        ("pings_answered", "count"),
        ("amplification", "ratio"),
        ("call_setup.p95", "seconds"),
        ("offer.service.p99_9", "seconds"),
        ("identity.max", "seconds"),
        ("loop_lag.p99", "seconds"),
        ("closes.99", None),
        ("closes.10066", None),
        ("rate_limited.close", None),
        ("offer", None),
        ("", None),
    ],
)
def test_the_kind_of_a_field(field: str, kind: Kind | None) -> None:
    assert kind_of(field) == kind
    assert bool(re.fullmatch(FIELD_PATTERN, field)) is (kind is not None)


def test_the_pattern_matches_what_there_is() -> None:
    assert [field for field in FIELDS if not re.fullmatch(FIELD_PATTERN, field)] == []


def test_a_dialect_has_the_fields_of_its_own_steps() -> None:
    assert "identity.p95" not in fields_of("media-offer")
    assert "identity.p95" in fields_of("genesys-cloud")
    assert set().union(*map(fields_of, DIALECTS)) == FIELDS.keys()


def test_the_fields_that_the_documentation_names_are_there() -> None:
    text = (Path(__file__).parents[2] / "docs" / "results.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"(?s)```yaml\nexpect:\n(.*?)```", text)
    entries = [Expectation.read(yaml.safe_load(line.strip().removeprefix("- "))) for line in block.splitlines()]
    assert [each.abort for each in entries] == [False, False, False, False, True]
    (table,) = re.findall(r"(?s)\| metrics \| \|\n\|---\|---\|\n(.*?)\n\n", text)
    named = re.findall(r"`([a-z][\w.]*)`", "\n".join(row.split("|")[1] for row in table.splitlines()))
    assert [name for name in named if kind_of(name) is None] == []
    roots = {name.partition(".")[0] for name in FIELDS} - {step.name for steps in DIALECTS.values() for step in steps}
    assert roots <= {name.partition(".")[0] for name in named}
