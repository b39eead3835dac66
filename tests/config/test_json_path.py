"""Paths to one value in JSON (RFC 9535 2.3.5.1)."""

from __future__ import annotations

from typing import Any

import pytest

from locust_softphone.config.json_path import parse_path, value_at

DATA = {"sdp": "v=0", "a-b": {"list": [{"c": 1}, {"c": None}]}, "e.f": True}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$", DATA),
        ("$.sdp", "v=0"),
        ("$['a-b'].list[0].c", 1),
        ('$["a-b"].list[1].c', None),
        ("$['e.f']", True),
        ("$.none", None),
        ("$['a-b'].list[2].c", None),
        ("$['a-b'].list.c", None),
        ("$.sdp[0]", None),  # text is not a list
        ("$.sdp.x", None),
    ],
)
def test_a_path_leads_to_one_value_or_to_none(path: str, value: Any) -> None:
    assert value_at(DATA, parse_path(path)) == value


@pytest.mark.parametrize(
    "path", ["", "sdp", ".sdp", "$sdp", "$.", "$..sdp", "$.*", "$.a[*]", "$.a[-1]", "$.a b", "$['a]"]
)
def test_what_can_lead_to_several_values_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="is not a path to one value"):
        parse_path(path)
