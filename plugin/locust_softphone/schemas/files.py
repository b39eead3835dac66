"""The JSON Schemas that the package contains: one file for each kind of file that people write or programs read."""

from __future__ import annotations

from pathlib import Path

__all__ = ["COMPARISON_SCHEMA", "POLICY_SCHEMA", "PROFILE_SCHEMA", "RECORD_SCHEMA", "SCHEMAS"]

SCHEMAS = {name: Path(__file__).with_name(f"{name}.schema.json") for name in ("profile", "policy", "run", "comparison")}
"""Each schema's file by its name."""

PROFILE_SCHEMA, POLICY_SCHEMA, RECORD_SCHEMA, COMPARISON_SCHEMA = SCHEMAS.values()
