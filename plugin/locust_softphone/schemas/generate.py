"""Generates the JSON Schemas of profiles, policies and run records from their models; that of comparisons is by hand.

python -m locust_softphone.schemas.generate        updates them, and docs/profile.md, policy.md and options.md
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from locust_softphone.commands.option_reference import OPTIONS_PAGE, options_page
from locust_softphone.config.policy import Policy
from locust_softphone.config.profile import Profile
from locust_softphone.config.units import DURATION, RATE, format_duration, format_rate
from locust_softphone.runs.record import RunRecord
from locust_softphone.schemas.files import POLICY_SCHEMA, PROFILE_SCHEMA, RECORD_SCHEMA
from locust_softphone.schemas.key_reference import POLICY_PAGE, PROFILE_PAGE, policy_page, profile_page
from locust_softphone.signaling.oauth import SIMULATED_CREDENTIALS

__all__ = ["generated"]

SPECIFICATION = "https://json-schema.org/draft/2020-12/schema"


_HIDDEN = str(SecretStr("hidden"))


def generated() -> dict[Path, str]:
    """The text of each generated file, by its path."""
    profile, policy, record = (schema_of(model) for model in (Profile, Policy, RunRecord))
    return {
        PROFILE_SCHEMA: _as_text(profile),
        POLICY_SCHEMA: _as_text(policy),
        RECORD_SCHEMA: _as_text(record),
        PROFILE_PAGE: profile_page(profile),
        POLICY_PAGE: policy_page(policy),
        OPTIONS_PAGE: options_page(),
    }


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of a model, with the defaults of durations and rates as they are written in a file."""
    schema: dict[str, Any] = _written({"$schema": SPECIFICATION, **model.model_json_schema()})
    return schema


def _written(part: Any) -> Any:
    if isinstance(part, list):
        return [_written(each) for each in part]
    if part == _HIDDEN:
        return SIMULATED_CREDENTIALS.client_secret  # the only secret that is a default, and it is public
    if not isinstance(part, dict):
        return part
    formats = {f"^{DURATION}$": format_duration, f"^{RATE}$": format_rate}
    written = {key: _written(value) for key, value in part.items()}
    if isinstance(part.get("default"), float) and part.get("pattern") in formats:
        written["default"] = formats[part["pattern"]](part["default"])
    return written


def _as_text(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for file, text in generated().items():
        file.write_text(text, encoding="utf-8")
