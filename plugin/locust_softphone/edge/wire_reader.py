"""Reads requests of a wire (``config.wire``) at the edge: which of them it is, and what was filled in.

    template   /v1/{session}/offer        request   /v1/8f3a/offer       found   session: 8f3a
               Bearer {token}                       Bearer s3cr                  token: s3cr

A header or a body that does not fit its template gives nothing: then there is no token, no session or no offer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import unquote, unquote_plus

from aiohttp import web

from locust_softphone.config.json_path import parse_path
from locust_softphone.config.wire_template import PLACEHOLDER
from locust_softphone.untrusted import json_object

__all__ = ["RequestReader", "message_with"]

_UNLIKE = "unlike the template"


class RequestReader:
    """One request of a wire.

    Args:
        path: the template of its target.
        headers: the templates of its headers.
        body: the template of its body.
    """

    def __init__(self, path: str, headers: Mapping[str, str], body: Any = "") -> None:
        self.path = path
        self._path = _pattern(path)
        self._headers = {name: _pattern(value) for name, value in headers.items() if PLACEHOLDER.search(value)}
        self._body = body
        kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
        is_form = kind.startswith("application/x-www-form-urlencoded")
        self._unescape: Callable[[str], str] = unquote_plus if is_form else str

    def is_for(self, target: str) -> bool:
        """Whether a request target is this request's; a query counts only where the template has one."""
        return self._path.fullmatch(self._known(target)) is not None

    def _known(self, target: str) -> str:
        return target if "?" in self.path else target.partition("?")[0]

    def read(self, request: web.BaseRequest, body: bytes = b"") -> dict[str, str]:
        """What was filled in, by name."""
        values = {name: unquote(value) for name, value in _found(self._path, self._known(request.raw_path)).items()}
        for name, pattern in self._headers.items():
            values |= _found(pattern, request.headers.get(name, ""))
        return values | self._in_body(body)

    def _in_body(self, body: bytes) -> dict[str, str]:
        if isinstance(self._body, str):
            found = _found(_pattern(self._body), body.decode(errors="replace"))
            return {name: self._unescape(value) for name, value in found.items()}
        values = dict(_in_json(self._body, json_object(body)))
        if values.pop(_UNLIKE, None) is not None:
            values.pop("sdp", None)
        return values


def message_with(values: Mapping[str, Any]) -> Any:
    """A JSON object that has these values at these paths; a list has nothing at its other places."""
    message: dict[str, Any] = {}
    for path, value in values.items():
        _put(message, parse_path(path), value)
    return message


def _put(at: Any, path: tuple[str | int, ...], value: Any) -> None:
    for part, following in zip(path, (*path[1:], None), strict=True):
        if isinstance(at, list) and isinstance(part, int):
            at += [None] * (part + 1 - len(at))
        last = following is None
        if last:
            at[part] = value
            return
        inside = at.get(part) if isinstance(at, dict) else at[part]
        if inside is None:
            inside = at[part] = [] if isinstance(following, int) else {}
        at = inside


@cache
def _pattern(template: str) -> re.Pattern[str]:
    parts = PLACEHOLDER.split(template)
    seen: set[str] = set()
    for index, part in enumerate(parts):
        again = index % 2 and part in seen
        if index % 2:
            seen.add(part)
            parts[index] = f"(?P={part})" if again else f"(?P<{part}>.*?)"
        else:
            parts[index] = re.escape(part)
    return re.compile("".join(parts), re.DOTALL)


def _found(pattern: re.Pattern[str], text: str) -> dict[str, str]:
    found = pattern.fullmatch(text)
    return found.groupdict() if found else {}


def _in_json(template: Any, data: Any) -> Iterator[tuple[str, str]]:
    if isinstance(template, dict) and isinstance(data, dict):
        for key, inner in template.items():
            yield from _in_json(inner, data.get(key))
    elif isinstance(template, list) and isinstance(data, list):
        for inner, value in zip(template, data, strict=False):
            yield from _in_json(inner, value)
    elif isinstance(template, str) and (whole := PLACEHOLDER.fullmatch(template)):
        if isinstance(data, str):
            yield whole[1], data
    elif isinstance(template, str) and PLACEHOLDER.search(template):
        if isinstance(data, str):
            yield from _found(_pattern(template), data).items()
    elif template != data:
        yield _UNLIKE, ""
