"""The shipped JSON Schema of the run record: real records match it, and every field is described."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from locust_softphone.commands.locust_process import locust_command
from locust_softphone.config.profile import Profile
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.runs.record import SCHEMA_VERSION, RunRecord
from locust_softphone.runs.storage import read
from locust_softphone.schemas.files import RECORD_SCHEMA
from locust_softphone.schemas.generate import generated
from tests.runs.records import a_record

SCHEMA: dict[str, Any] = json.loads(RECORD_SCHEMA.read_text(encoding="utf-8"))


def validate(content: Any) -> None:
    """Check a record by the shipped schema alone, with no other file."""
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.Draft202012Validator(SCHEMA, format_checker=checker).validate(content)


def test_the_shipped_schema_is_up_to_date() -> None:
    assert RECORD_SCHEMA.read_text(encoding="utf-8") == generated()[RECORD_SCHEMA], (
        "update it with: python -m locust_softphone.schemas.generate"
    )


def test_the_schema_is_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(a_record(), id="all is well"),
        pytest.param(a_record(answered=0), id="nothing was ever answered"),
        pytest.param(a_record(limited={"token": 3}, abnormal={"reset": 2}, too_early=1), id="refusals and drops"),
        pytest.param(a_record(simulated=False, url="https://edge.example"), id="an edge without counters"),
        pytest.param(a_record(invalid=["the run was stopped before its plan was over"]), id="not valid"),
        pytest.param(a_record(ramp={"stages": [{"to": 10, "over": "1s"}]}, expect=["answered == 100%"]), id="stages"),
    ],
)
def test_a_built_record_matches_the_schema(record: RunRecord) -> None:
    validate(json.loads(record.to_json()))


def test_an_upgraded_record_matches_the_schema() -> None:
    validate(json.loads(read(Path(__file__).parents[1] / "golden" / "run-schema-1.json").to_json()))


def test_the_record_of_a_real_run_matches_the_schema(tmp_path: Path) -> None:
    command = locust_command(["--softphone-profile", "smoke", "--softphone-runs", str(tmp_path)])
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    (path,) = tmp_path.glob("*/run.json")
    record = json.loads(path.read_text(encoding="utf-8"))
    validate(record)
    assert record["ledger"]["balanced"]
    assert record["edge"]["steps"].keys() == {"token", "handshake", "offer"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("totals", "answered"), -1),
        (("totals", "answerd"), 1),  # an unknown key
        (("steps", "offer", "outcomes", "unheard_of"), 1),
        (("verdict",), "perhaps"),
        (("profile", "users"), "ten"),  # the profile's own schema applies
        (("times", "end"), 1785585600),
        (("schema_version",), 1),
        (("aborted",), {"by": "rate_limited == 0"}),
        (("call_setup", "service_s", "p42"), 0.1),
    ],
)
def test_the_schema_refuses(path: tuple[str, ...], value: object) -> None:
    record = json.loads(a_record().to_json())
    *parents, last = path
    part = record
    for key in parents:
        part = part[key]
    part[last] = value
    with pytest.raises(jsonschema.ValidationError):
        validate(record)


def test_every_field_is_described() -> None:
    assert [path for path, field in fields(OWN) if not field.get("description", "").endswith(".")] == []


def test_every_duration_has_its_unit() -> None:
    numbers = [(path, field["description"]) for path, field in fields(OWN) if "number" in str(field.get("type"))]
    assert len(numbers) > 5
    assert [path for path, description in numbers if "econds" not in description and "share" not in description] == []


def test_the_schema_has_every_outcome_and_this_version() -> None:
    outcomes = SCHEMA["$defs"]["Step"]["properties"]["outcomes"]["propertyNames"]["enum"]
    assert outcomes == [outcome.value for outcome in Outcome]
    assert SCHEMA["properties"]["schema_version"]["const"] == SCHEMA_VERSION


OF_PROFILES = {"Profile", *Profile.model_json_schema()["$defs"]}
OWN = {**SCHEMA, "$defs": {name: part for name, part in SCHEMA["$defs"].items() if name not in OF_PROFILES}}


def fields(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property that the schema names, at any depth."""
    for keyword in ("properties", "patternProperties"):
        for name, field in schema.get(keyword, {}).items():
            yield f"{path}/{name}", field
    for keyword, inner in schema.items():
        for name, part in inner.items() if isinstance(inner, dict) else enumerate(inner if keyword == "anyOf" else []):
            if isinstance(part, dict):
                yield from fields(part, f"{path}/{keyword}/{name}")
    if isinstance(schema.get("items"), dict):
        yield from fields(schema["items"], f"{path}/items")
