"""A wire (``config.wire``), prepared once so that filling in a request takes as long as an f-string.

Bearer {token}                 ──►  "Bearer {token}".format_map       without names, a constant
{"sdp": "{sdp}"}               ──►  the same, with the values escaped as JSON
{$.type: answer, $.id: "{id}"} ──►  paths and values that a message must have
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from locust_softphone.config.json_path import parse_path, value_at
from locust_softphone.config.wire import OfferWire, Wire
from locust_softphone.config.wire_template import PLACEHOLDER, as_text, placeholders
from locust_softphone.signaling.oauth import Credentials

__all__ = ["CompiledWire", "Fill", "Values"]

Values = Mapping[str, str]
"""What is filled in, by name."""

Fill = Callable[[Values], str]
Read = Callable[[Any], Any]
Matches = Callable[[Any, Values], bool]


class CompiledWire:
    """A wire for one OAuth client and one number to call."""

    def __init__(self, wire: Wire, credentials: Credentials, number: str) -> None:
        self._constants = {
            "basic": credentials.basic,
            "client_id": credentials.client_id,
            "client_secret": credentials.client_secret,
            "number": number,
        }
        token, handshake, ready, offer = wire.token, wire.handshake, wire.ready, wire.offer
        self.token_path, self.token_headers = self._path(token.path), self._headers(token.headers)
        self.token_body = self._body(token.body, token.headers)
        self.token, self.expires_in = _read(token.token), _read(token.expires_in)
        self.handshake_path, self.handshake_headers = self._path(handshake.path), self._headers(handshake.headers)
        self.subprotocol, self.session_header = handshake.subprotocol, (handshake.session or "").lower()
        self.waits_for_ready = ready is not None
        self.login = self._frame(ready.send) if ready else None
        self.is_ready = self._match(ready.match if ready else {})
        self.ready_session = _read(ready.session) if ready and ready.session else None
        self.over_websocket = offer.over == "websocket"
        self.offer_path, self.offer_headers = self._path(offer.path), self._headers(offer.headers)
        self.offer = self._body(offer.body, offer.headers)
        self.is_answer, self.answer = self._match(offer.match), _read(offer.answer)
        self.answer_session = _read(offer.session) if offer.session else None
        self._of_refusals(offer)
        self.bye = self._frame(wire.bye)

    def _of_refusals(self, offer: OfferWire) -> None:
        refused = offer.refused
        self.is_refusal = self._match(refused.match) if refused else None
        self.status = _read(refused.status) if refused else None
        self.retry_after = _read(refused.retry_after) if refused and refused.retry_after else None

    def _path(self, template: str) -> Fill:
        return self._filled(template, lambda value: quote(value, safe=""))

    def _headers(self, templates: Mapping[str, str]) -> Fill:
        return self._filled("".join(f"{name}: {value}\r\n" for name, value in templates.items()), str)

    def _body(self, template: Any, headers: Mapping[str, str]) -> Fill:
        """A body; in text that is a form, what is filled in is escaped as in a form."""
        kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
        is_form = kind.startswith("application/x-www-form-urlencoded")
        escape: Callable[[str], str] = (quote_plus if is_form else str) if isinstance(template, str) else _in_json
        return self._filled(as_text(template), escape)

    def _frame(self, template: Any) -> Fill | None:
        return None if template is None else self._body(template, {})

    def _filled(self, text: str, escape: Callable[[str], str]) -> Fill:
        """What fills in a text, the constants already in it."""
        parts = PLACEHOLDER.split(text)
        names = set()
        for index in range(1, len(parts), 2):
            name = parts[index]
            known = self._constants.get(name)
            if known is None:
                names.add(name)
            parts[index] = f"{{{name}}}" if known is None else _literal(escape(known))
        parts[::2] = map(_literal, parts[::2])
        form = "".join(parts)
        if not names:
            constant = form.format_map({})
            return lambda values: constant
        if escape is str:
            return form.format_map
        return lambda values: form.format_map({name: escape(values[name]) for name in names})

    def _match(self, match: Mapping[str, Any]) -> Matches:
        fixed = [(parse_path(path), value) for path, value in match.items() if not [*placeholders(value)]]
        filled = [
            (parse_path(path), self._filled(value, str)) for path, value in match.items() if [*placeholders(value)]
        ]

        if len(match) == len(fixed) == 1 and len(fixed[0][0]) == 1 and isinstance(fixed[0][1], str):  # most
            ((name,), text) = fixed[0]
            return lambda message, values: message.get(name) == text

        def matches(message: Any, values: Values) -> bool:
            for path, value in fixed:
                found = value_at(message, path)
                if found != value or isinstance(found, bool) != isinstance(value, bool):
                    return False
            return all(str(value_at(message, path)) == fill(values) for path, fill in filled)

        return matches


def _read(path: str) -> Read:
    parts = parse_path(path)
    if len(parts) == 1:  # most paths
        (name,) = parts
        return lambda message: message.get(name) if isinstance(message, dict) else value_at(message, parts)
    return lambda message: value_at(message, parts)


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _in_json(value: str) -> str:
    return json.dumps(value)[1:-1]
