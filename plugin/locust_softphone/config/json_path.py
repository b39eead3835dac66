"""Paths to one value in JSON: the singular queries of JSONPath (RFC 9535 2.3.5.1).

    $.result.sdp    $['media-offer'][0].sdp    $

Names and indices only: a path leads to one value or to none. They are read once and followed on the hot path, where a
JSONPath library takes 30 to 60 times as long (jsonpath-ng 1.16, python-jsonpath 2.2).
"""

from __future__ import annotations

import re
from typing import Any

__all__ = ["JsonPath", "parse_path", "value_at"]

JsonPath = tuple[str | int, ...]

_SEGMENT = re.compile(r"\.([A-Za-z_][\w]*)|\[(\d{1,6})\]|\['([^'\\]+)'\]|\[\"([^\"\\]+)\"\]")


def parse_path(text: str) -> JsonPath:
    """The names and indices of a path.

    Raises:
        ValueError: it is not such a path.
    """
    found, at = [], 1
    while text.startswith("$") and at < len(text) and (segment := _SEGMENT.match(text, at)):
        name, index, single, double = segment.groups()
        found.append(int(index) if index else name or single or double)
        at = segment.end()
    if not text.startswith("$") or at < len(text):
        raise ValueError(f"\"{text[:60]}\" is not a path to one value, write $.name, $.list[0].name or $['a-name']")
    return tuple(found)


def value_at(data: Any, path: JsonPath) -> Any:
    """The value at a path; None if there is none."""
    try:
        for part in path:
            if isinstance(data, str):
                return None
            data = data[part]
    except (LookupError, TypeError):
        return None
    return data
