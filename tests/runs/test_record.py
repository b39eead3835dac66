"""The run record as a model: typed, frozen, and refused as a whole if something is missing or wrong."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from pydantic import ValidationError

from locust_softphone.errors import InputError
from tests.runs.records import a_record, changed


def test_what_a_file_has_is_read_by_attributes() -> None:
    record = a_record(answered=4, limited={"offer": 6}, abnormal={"reset": 2}, too_early=1)
    assert (record.name, record.dialect) == ("burst", "media-offer")
    assert record.totals.answered == record.metrics["answered"] == 4
    assert record.steps["offer"].outcomes["rate_limited"] == record.metrics["outcomes.offer.rate_limited"] == 6
    assert record.closes["1006"] == record.metrics["closes.1006"] == 2
    assert record.retries.made == record.metrics["retries"] == 1
    assert record.call_setup.response_s.p95 == record.metrics["call_setup.p95"]
    assert record.timeline[0].counts["attempts.offer"] == record.metrics["attempts.offer"] == 10


def test_the_file_keeps_its_layout() -> None:
    content = json.loads(a_record(limited={"offer": 6}).to_json())
    assert content["totals"]["answered"] == 10
    assert content["steps"]["offer"]["outcomes"] == {"ok": 10, "rate_limited": 6}
    assert content["retries"]["wait_s"] == {"count": 0}
    assert content["timeline"][0]["attempts.offer"] == 16
    assert "call_setup" not in content["timeline"][1]
    assert content["validity"] == {"valid": True, "reasons": []}
    assert content["ledger"]["balanced"] is True


def test_a_record_is_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        a_record().verdict = "failed"  # type: ignore[misc]


def test_a_key_that_is_not_known_is_ignored() -> None:
    assert changed(a_record(), lambda content: content.update(later="a newer version's")) == a_record()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("totals", "answered"), -1),
        (("totals", "answered"), 1.5),
        (("totals", "answered"), True),
        (("totals", "answered"), "1"),
        (("time_to_connected_s",), math.nan),
        (("start_lag_s", "p50"), math.inf),
        (("timeline",), "none"),
        (("timeline", 0, "attempts.offer"), "many"),
        (("histograms", "call_setup"), "x"),
        (("profile", "dialect"), "sip"),
        (("profile", "softphone", "retry"), {}),
        (("validity", "valid"), "yes"),
        (("steps",), {}),
        (("steps",), None),
        (("retries", "made"), "many"),
        (("verdict",), "perhaps"),
        (("profile",), "burst"),
        (("profile", "softphone"), []),
        (("expectations",), [{"text": "answered is 5", "held": False, "measured": 4}]),
        (("timeline",), [{"planned": 1}]),
        (("timeline", 0, "second"), -1),
        (("timeline", 0, "planned"), "many"),
        (("timeline", 0, "planned"), math.nan),
        (("timeline", 0, "call_setup", "p50"), None),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(path: tuple[str | int, ...], value: object) -> None:
    def change(content: Any) -> None:
        *parents, last = path
        for key in parents:
            content = content[key]
        content[last] = value

    with pytest.raises(InputError, match="not a complete run record"):
        changed(a_record(), change)
