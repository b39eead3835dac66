"""Templates in a wire: text, or JSON, with names in braces that are replaced for each request.

    Bearer {token}                                        text
    {sessionId: "{session}", type: offer, sdp: "{sdp}"}   JSON: what is filled in is escaped as JSON needs it

Braces around anything but a name stand for themselves.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from pydantic import AfterValidator, JsonValue

from locust_softphone.text import did_you_mean

__all__ = ["PLACEHOLDER", "allows", "as_text", "placeholders"]

PLACEHOLDER = re.compile(r"\{(\w+)\}")


def placeholders(template: JsonValue) -> Iterator[str]:
    """The names in a template, in the order of its text."""
    return (found[1] for found in PLACEHOLDER.finditer(as_text(template)))


def as_text(template: JsonValue) -> str:
    """A template as it is sent, with its names still in it."""
    return template if isinstance(template, str) else json.dumps(template)


def allows(*names: str) -> AfterValidator:
    """Checks that no other names than these are to be filled in."""

    def check(template: Any) -> Any:
        for name in placeholders(template):
            if name not in names:
                raise ValueError(f"{{{name}}} cannot be filled in here, {did_you_mean(name, names)}")
        return template

    return AfterValidator(check)
