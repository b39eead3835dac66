"""Stanzas as text: each is one element with its namespaces declared (RFC 7395 3.3.3)."""

from __future__ import annotations

from xml.etree.ElementTree import Element

__all__ = ["IQ", "MESSAGE", "addresses", "error_of", "escape", "iq", "message", "result_of"]

_CLIENT = "jabber:client"
IQ = f"{{{_CLIENT}}}iq"
MESSAGE = f"{{{_CLIENT}}}message"
_UNAVAILABLE = (
    '<error type="cancel"><service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>'  # RFC 6120 8.3.3
)


def escape(text: str) -> str:
    """``text`` as character data, or as the value of an attribute in double quotes."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def addresses(to: str, sender: str = "") -> str:
    """The attributes of a stanza that say where it goes and, unless it is empty, from where."""
    return f' to="{escape(to)}" from="{escape(sender)}"' if sender else f' to="{escape(to)}"'


def iq(kind: str, id_: str, content: str, addresses: str = "") -> str:
    """A request or its answer (RFC 6120 8.2.3); ``kind`` is its type, ``content`` is XML."""
    return f'<iq xmlns="{_CLIENT}" type="{kind}" id="{escape(id_)}"{addresses}>{content}</iq>'


def result_of(request: Element) -> str:
    """The empty result of a request."""
    return iq("result", request.get("id", ""), "", _back(request))


def error_of(request: Element) -> str:
    """The answer to a request that is not supported."""
    return iq("error", request.get("id", ""), _UNAVAILABLE, _back(request))


def message(to: str, content: str) -> str:
    """A message; ``content`` is XML."""
    return f'<message xmlns="{_CLIENT}" to="{escape(to)}">{content}</message>'


def _back(request: Element) -> str:
    """The address of who sent a request; none if it came without, from the server itself (RFC 6120 8.1.2.1)."""
    sender = request.get("from")
    return addresses(sender) if sender else ""
