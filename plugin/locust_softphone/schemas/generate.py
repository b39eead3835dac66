"""Generates the JSON Schemas of profiles and run records from their models; the one of comparisons is written by hand.

python -m locust_softphone.schemas.generate        updates the files in this folder
"""

from __future__ import annotations

import json
from pathlib import Path

from locust_softphone.config.profile import Profile
from locust_softphone.runs.record import RunRecord

__all__ = ["COMPARISON_SCHEMA", "PROFILE_SCHEMA", "RECORD_SCHEMA", "generated"]

PROFILE_SCHEMA, RECORD_SCHEMA, COMPARISON_SCHEMA = (
    Path(__file__).with_name(f"{name}.schema.json") for name in ("profile", "run", "comparison")
)
SPECIFICATION = "https://json-schema.org/draft/2020-12/schema"


def generated() -> dict[Path, str]:
    """The text of each generated schema, by its file."""
    return {
        path: json.dumps({"$schema": SPECIFICATION, **model.model_json_schema()}, indent=2, ensure_ascii=False) + "\n"
        for path, model in ((PROFILE_SCHEMA, Profile), (RECORD_SCHEMA, RunRecord))
    }


if __name__ == "__main__":
    for file, text in generated().items():
        file.write_text(text, encoding="utf-8")
