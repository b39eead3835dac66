"""The generated schemas and pages: up to date, valid, and about every key."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from locust_softphone.cli import main
from locust_softphone.edge import Policy
from locust_softphone.schemas.files import POLICY_SCHEMA, SCHEMAS
from locust_softphone.schemas.generate import generated
from locust_softphone.schemas.key_reference import POLICY_PAGE, PROFILE_PAGE


@pytest.mark.parametrize("path", generated(), ids=lambda path: path.name)
def test_the_file_is_up_to_date(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == generated()[path], (
        "write it anew with: python -m locust_softphone.schemas.generate"
    )


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_printed_as_it_is(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", name]) == 0
    printed = capsys.readouterr().out
    assert printed == SCHEMAS[name].read_text(encoding="utf-8")
    jsonschema.Draft202012Validator.check_schema(json.loads(printed))


def objects(schema: Any) -> list[dict[str, Any]]:
    """Every object in a schema that has keys."""
    inside = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    found = [each for value in inside for each in objects(value)]
    return [schema, *found] if isinstance(schema, dict) and "properties" in schema else found


@pytest.mark.parametrize(("name", "page"), [("profile", PROFILE_PAGE), ("policy", POLICY_PAGE)])
def test_a_page_has_every_key_with_its_meaning(name: str, page: Path) -> None:
    rows = dict(re.findall(r"(?m)^\| `(\w+)` \|.*\| (.*) \|$", page.read_text(encoding="utf-8")))
    keys = {key for each in objects(json.loads(SCHEMAS[name].read_text())) for key in each["properties"]}
    assert keys - set(rows) == set()
    assert [key for key, meaning in rows.items() if len(meaning) < 5] == []


def test_the_schema_accepts_the_default_policy_and_refuses_an_unknown_key() -> None:
    schema = json.loads(POLICY_SCHEMA.read_text())
    defaults = {key: value["default"] for key, value in schema["properties"].items() if "default" in value}
    checker = jsonschema.Draft202012Validator(schema)
    checker.validate(defaults)
    assert Policy.model_validate(yaml.safe_load(json.dumps(defaults))) == Policy()
    assert not checker.is_valid({"limts": {}})
