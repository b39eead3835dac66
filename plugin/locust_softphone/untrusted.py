"""JSON and XML from others, read so that no text can crash the reader or exhaust memory.

    json_object    strict JSON (RFC 8259); anything but an object is an empty object
    xml_element    one element; no DTD and so no entities to expand, no comments, no processing instructions
                   (RFC 6120 11.1); size and depth are bounded

The simulated edge and the softphones share these readers. They do not share what a message means to them. Plans of
JMeter are read with them too.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

__all__ = ["MAX_XML_CHARACTERS", "MAX_XML_DEPTH", "XmlError", "json_object", "xml_element"]

MAX_XML_CHARACTERS = 256 * 1024
MAX_XML_DEPTH = 32  # a Jingle offer has 7 levels


class XmlError(ValueError):
    """The text is not one element, or it is one that XMPP forbids.

    Args:
        condition: the stream error for it (RFC 6120 4.9.3): ``not-well-formed``, ``restricted-xml`` or
            ``policy-violation`` for what is too long or too deep. It contains nothing of the text.
    """

    def __init__(self, condition: str) -> None:
        super().__init__(condition)
        self.condition = condition


def json_object(text: str | bytes) -> dict[str, Any]:
    """The JSON object in ``text``, or an empty one for anything else."""
    try:
        value = _JSON.decode(text if isinstance(text, str) else text.decode())
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def xml_element(
    text: str,
    *,
    max_characters: int = MAX_XML_CHARACTERS,
    max_depth: int = MAX_XML_DEPTH,
    comments: bool = False,
) -> Element:
    """The one element that ``text`` is; names are written ``{namespace}name``.

    Args:
        text: from the network, or from a file of somebody else.
        max_characters: a longer text is refused.
        max_depth: elements inside each other; a deeper text is refused.
        comments: whether comments are skipped; XMPP forbids them.

    Raises:
        XmlError: it is something else.
    """
    if len(text) > max_characters:
        raise XmlError("policy-violation")
    tree = TreeBuilder()
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > max_depth:
            raise XmlError("policy-violation")
        if "}" in "".join(attributes):
            attributes = {_qualified(key): value for key, value in attributes.items()}
        tree.start(_qualified(name), attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        tree.end(_qualified(name))

    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = tree.data
    parser.StartDoctypeDeclHandler = _forbidden
    parser.ProcessingInstructionHandler = _forbidden
    if not comments:
        parser.CommentHandler = _forbidden
    try:
        parser.Parse(text, True)
    except (expat.ExpatError, UnicodeEncodeError):
        raise XmlError("not-well-formed") from None
    element: Element = tree.close()
    return element


def _qualified(name: str) -> str:
    return "{" + name if "}" in name else name


def _forbidden(*_: object) -> NoReturn:
    raise XmlError("restricted-xml")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON (RFC 8259 6)")


_JSON = json.JSONDecoder(parse_constant=_no_constant)  # json.loads accepts NaN and Infinity
