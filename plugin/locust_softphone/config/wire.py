"""What the dialect media-offer sends and expects: every path, header, field and frame, as a value.

    token       {path: /oauth/token, headers: {Authorization: "Basic {basic}", …}, body: …, token: $.access_token}
    handshake   {path: /signaling, headers: {Authorization: "Bearer {token}"}, session: X-Session-Id}
    ready       {match: {$.type: ready}}
    offer       {path: /api/v2/media/offer, headers: …, body: {sdp: "{sdp}", …}, match: …, answer: $.sdp}
    bye         {type: bye}

The defaults are the dialect's own wire. A profile names another one for its softphones, and a policy for the simulated
edge. Requests and frames are templates (wire_template.py); what is read is at paths (json_path.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from locust_softphone.config import strict_yaml
from locust_softphone.config.json_path import parse_path
from locust_softphone.config.strict_yaml import StrictModel
from locust_softphone.config.wire_template import allows, placeholders
from locust_softphone.errors import InputError

__all__ = ["OfferWire", "ReadyWire", "TokenWire", "Wire", "WireOrFile", "load_wire", "spoken_by_the_edge"]

_ANYONE = ("softphone", "number", "id", "basic", "client_id", "client_secret")
_HOLDER = (*_ANYONE, "token")
_SESSION = (*_HOLDER, "session")
_OFFER = (*_SESSION, "sdp")


def _path(text: str) -> str:
    parse_path(text)
    return text


def _from_the_root(path: str) -> str:
    if not path.startswith("/") or " " in path or not path.isascii() or not path.isprintable():
        raise ValueError("must begin with / and have no spaces, such as /v1/calls")
    return path


def _checked(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
            raise ValueError(f"{name!r} is not the name of a header")
        if not value.isprintable():
            raise ValueError(f"{name}: contains a character that no header can have")
        if name.lower() in _OWN:
            raise ValueError(f"{name} is set by the softphone itself")
        if name.lower() in ("authorization", "cookie", "proxy-authorization") and not [*placeholders(value)]:
            raise ValueError(f"{name}: every run record contains the profile; use {{token}} or {{client_secret}}")
    return headers


_OWN = ("host", "content-length", "connection", "upgrade", "transfer-encoding", "sec-websocket-protocol")

Read = Annotated[str, AfterValidator(_path)]
"""A path to a value in JSON that the edge sends."""

Scalar = str | int | float | bool | None
_TARGET = AfterValidator(_from_the_root)
_HEADERS = AfterValidator(_checked)


class TokenWire(StrictModel):
    """The request for a token: a POST."""

    path: Annotated[str, allows(*_ANYONE), _TARGET] = Field("/oauth/token", description="the request target")
    headers: Annotated[dict[str, str], allows(*_ANYONE), _HEADERS] = Field(
        {"Authorization": "Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"},
        description="further headers",
    )
    body: Annotated[Any, allows(*_ANYONE)] = Field(
        "grant_type=client_credentials", description="the content: text, or JSON"
    )
    token: Read = Field("$.access_token", description="where the response has the token")
    expires_in: Read = Field("$.expires_in", description="where it has the lifetime in seconds; 1 h without")


class HandshakeWire(StrictModel):
    """The WebSocket handshake."""

    path: Annotated[str, allows(*_HOLDER), _TARGET] = Field("/signaling", description="the request target")
    headers: Annotated[dict[str, str], allows(*_HOLDER), _HEADERS] = Field(
        {"Authorization": "Bearer {token}"}, description="further headers"
    )
    subprotocol: str | None = Field(None, pattern=r"^[!#-'*+.0-9A-Z^-z|~-]+$", description="which the edge must choose")
    session: str | None = Field(
        "X-Session-Id", pattern=r"^[A-Za-z0-9-]+$", description="the header of the 101 that has the session's id"
    )


class ReadyWire(StrictModel):
    """How a session becomes ready for an offer."""

    send: Annotated[Any, allows(*_SESSION)] | None = Field(
        None, description="a frame that is sent first, such as a login"
    )
    match: dict[Read, Scalar] = Field(
        {"$.type": "ready"}, min_length=1, description="what the edge's frame must have: values by their paths"
    )
    session: Read | None = Field(None, description="where that frame has the session's id, in place of the header")


class RefusalWire(StrictModel):
    """A frame that refuses an offer."""

    match: dict[Read, Scalar] = Field(min_length=1, description="what the frame must have: values by their paths")
    status: Read = Field(description="where it has the reason, as the number of an HTTP status")
    retry_after: Read | None = Field(None, description="where it has the seconds until a retry")


class OfferWire(StrictModel):
    """The offer, and its answer."""

    over: Literal["http", "websocket"] = Field("http", description="a POST, or a frame on the WebSocket")
    path: Annotated[str, allows(*_SESSION), _TARGET] = Field(
        "/api/v2/media/offer", description="the request target; with `over: http`"
    )
    headers: Annotated[dict[str, str], allows(*_SESSION), _HEADERS] = Field(
        {"Authorization": "Bearer {token}", "Content-Type": "application/json"},
        description="further headers; with `over: http`",
    )
    body: Annotated[Any, allows(*_OFFER)] = Field(
        {"sessionId": "{session}", "type": "offer", "sdp": "{sdp}"}, description="the content or the frame"
    )
    match: dict[Read, Scalar] = Field(
        {"$.type": "answer"}, description="what the answer must have: values by their paths; text can have names too"
    )
    answer: Read = Field("$.sdp", description="where the answer has the SDP")
    session: Read | None = Field("$.sessionId", description="where the answer has the session's id, if it has one")
    refused: RefusalWire | None = Field(None, description="how a frame refuses the offer; with `over: websocket`")

    @field_validator("body")
    @classmethod
    def _has_the_sdp(cls, body: Any) -> Any:
        if "sdp" not in placeholders(body):
            raise ValueError("must have the offer somewhere: {sdp}")
        return body

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Self:
        if self.over == "websocket" and not self.match:
            raise ValueError("match: must say which frame is the answer")
        if self.over == "http" and self.refused:
            raise ValueError("refused: with over: http, the response's status refuses")
        return self


class Wire(StrictModel):
    """What softphones of the dialect media-offer send, and what they expect."""

    token: TokenWire = Field(TokenWire(), description="the request for a token")
    handshake: HandshakeWire = Field(HandshakeWire(), description="the WebSocket handshake")
    ready: ReadyWire | None = Field(ReadyWire(), description="when a session is ready; nothing: after the handshake")
    offer: OfferWire = Field(OfferWire(), description="the offer and its answer")
    bye: Annotated[Any, allows(*_SESSION)] | None = Field(
        {"type": "bye"}, description="the frame before the close frame"
    )


def load_wire(path: Path) -> Wire:
    """Read a file that has a wire.

    Raises:
        InputError: every problem of the file, with its lines.
    """
    return strict_yaml.load(path, Wire)


def spoken_by_the_edge(wire: Wire) -> Wire:
    """The same wire, if the simulated edge can speak it.

    Raises:
        InputError: it cannot.
    """
    if wire.offer.over == "websocket":
        raise InputError("wire: offer.over: the simulated edge takes offers by HTTP only; name an edge with --host URL")
    return wire


def _read_file(value: object, info: ValidationInfo) -> object:
    """The wire of a file that a profile or a policy names, beside it."""
    return load_wire(Path((info.context or {}).get("folder", ""), value)) if isinstance(value, str) else value


WireOrFile = Annotated[Wire, BeforeValidator(_read_file, json_schema_input_type=Wire | str)]
"""A wire, or the name of a file that has it, relative to the file that names it."""
