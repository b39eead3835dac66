"""The JSON Schema of a profile, generated from its model and shipped for editors.

python -m locust_softphone.config.profile_schema        writes the shipped file anew
"""

from __future__ import annotations

import json
from pathlib import Path

from locust_softphone.config.profile import Profile

__all__ = ["SCHEMA_PATH", "profile_schema"]

SCHEMA_PATH = Path(__file__).parents[1] / "schemas" / "profile.schema.json"


def profile_schema() -> str:
    """The schema as the text of a file."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Profile.model_json_schema()}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    SCHEMA_PATH.write_text(profile_schema(), encoding="utf-8")
