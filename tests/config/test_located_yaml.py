"""Located YAML: the line of each part, and the types of scalars."""

from __future__ import annotations

import pytest

from locust_softphone.config.located_yaml import parse


def test_every_part_has_a_line_number() -> None:
    tree = parse("# why\n\nhold: 60s\nexpect:\n  - a\n  -\n    b: {c: [1,\n      2]}\n")
    assert tree is not None
    assert tree.data == {"hold": "60s", "expect": ["a", {"b": {"c": [1, 2]}}]}
    assert tree.lines == {
        (): 3,
        ("hold",): 3,
        ("expect",): 4,
        ("expect", 0): 5,
        ("expect", 1): 7,  # the line of the item, not of its dash
        ("expect", 1, "b"): 7,
        ("expect", 1, "b", "c"): 7,
        ("expect", 1, "b", "c", 0): 7,
        ("expect", 1, "b", "c", 1): 8,
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("-5", -5),
        ("5.5", 5.5),
        ("1e3", 1000.0),  # text in YAML 1.1
        ("true", True),
        ("null", None),
        ("", None),
        ("yes", "yes"),  # True in YAML 1.1, as on, off, y and n
        ("1:30", "1:30"),  # 90 in YAML 1.1
        ("010", "010"),  # 8 in YAML 1.1
        ("1_000", "1_000"),  # 1000 in YAML 1.1
        ("0x1F", "0x1F"),
        ("2024-01-01", "2024-01-01"),  # a date in YAML 1.1
        (".inf", ".inf"),
        ("=", "="),  # has its own tag in YAML 1.1, which PyYAML cannot construct
        ('"5"', "5"),
        ("'true'", "true"),
        ("|\n  5", "5"),
    ],
)
def test_scalars_follow_the_core_schema_of_yaml_1_2(text: str, value: object) -> None:
    tree = parse(f"key: {text}")
    assert tree is not None
    assert tree.data == {"key": value}
    assert type(tree.data["key"]) is type(value)
