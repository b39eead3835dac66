"""The JSON Schema of a run record, generated from its model.

python -m locust_softphone.runs.record_schema        writes the shipped file anew
"""

from __future__ import annotations

import json
from pathlib import Path

from locust_softphone.runs.record import RunRecord

__all__ = ["RECORD_SCHEMA_PATH", "record_schema"]

RECORD_SCHEMA_PATH = Path(__file__).parents[1] / "schemas" / "run.schema.json"


def record_schema() -> str:
    """The schema as the text of a file."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **RunRecord.model_json_schema()}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    RECORD_SCHEMA_PATH.write_text(record_schema(), encoding="utf-8")
