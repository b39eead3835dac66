"""JSON from an edge that nobody vouches for."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["json_object"]


def json_object(text: str | bytes) -> dict[str, Any]:
    """The JSON object in ``text``, or an empty one for anything else: a hostile edge must not crash a softphone."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
