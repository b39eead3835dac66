"""Writes the elements that the edge sends on the XMPP stream: one per frame, with its namespace (RFC 7395 3.3).

Attribute values are escaped here. ``content`` is XML: text in it must be escaped.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape, quoteattr

from locust_softphone.edge.genesys_cloud.namespaces import NS

__all__ = [
    "CLOSE",
    "FEATURES_BIND",
    "FEATURES_SASL",
    "SASL_SUCCESS",
    "element",
    "iq",
    "iq_error",
    "iq_result",
    "message",
    "pubsub_event",
    "sasl_failure",
    "stream_error",
    "stream_open",
]

NOTHING: Mapping[str, str] = MappingProxyType({})


def element(name: str, namespace: str, attributes: Mapping[str, str | None] = NOTHING, content: str = "") -> str:
    """An element with its own namespace; an attribute that is None is omitted."""
    given = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items() if value is not None)
    declared = f' xmlns="{namespace}"' if namespace else ""
    return f"<{name}{declared}{given}>{content}</{name}>" if content else f"<{name}{declared}{given}/>"


CLOSE = element("close", NS.FRAMING)
SASL_SUCCESS = element("success", NS.SASL)
_MECHANISMS = element("mechanisms", NS.SASL, content="<mechanism>PLAIN</mechanism>")
FEATURES_SASL = f'<stream:features xmlns:stream="{NS.STREAM}">{_MECHANISMS}</stream:features>'
FEATURES_BIND = f'<stream:features xmlns:stream="{NS.STREAM}">{element("bind", NS.BIND)}</stream:features>'


def stream_open(domain: str, stream_id: str) -> str:
    return element("open", NS.FRAMING, {"from": domain, "id": stream_id, "version": "1.0", "xml:lang": "en"})


def sasl_failure(condition: str) -> str:
    return element("failure", NS.SASL, content=f"<{condition}/>")


def stream_error(condition: str) -> str:
    """A stream error (RFC 6120 4.9.3). The condition is not escaped: it must not come from a client."""
    return f'<stream:error xmlns:stream="{NS.STREAM}">{element(condition, NS.STREAM_ERRORS)}</stream:error>'


def iq(kind: str, iq_id: str, to: str, sender: str | None, payload: str) -> str:
    return element("iq", NS.CLIENT, {"type": kind, "id": iq_id, "to": to, "from": sender}, payload)


def iq_result(request: Element, to: str, payload: str = "") -> str:
    """The result of a request, from the JID that the request was sent to."""
    return iq("result", request.get("id", ""), to, request.get("to"), payload)


def iq_error(request: Element, to: str, kind: str, condition: str, more: str = "") -> str:
    """The error response to a request (RFC 6120 8.3)."""
    error = element("error", "", {"type": kind}, element(condition, NS.STANZA_ERRORS) + more)
    return iq("error", request.get("id", ""), to, request.get("to"), error)


def message(to: str, sender: str, payload: str) -> str:
    return element("message", NS.CLIENT, {"to": to, "from": sender}, payload)


def pubsub_event(to: str, sender: str, node: str, content: Mapping[str, object]) -> str:
    """A notification with a JSON payload (XEP-0060 7.1.2.1, XEP-0335)."""
    published = element("json", NS.JSON, content=escape(json.dumps(content)))
    items = element("items", "", {"node": node}, f"<item>{published}</item>")
    return message(to, sender, element("event", NS.PUBSUB_EVENT, content=items))
