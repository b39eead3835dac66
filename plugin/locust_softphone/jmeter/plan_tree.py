"""The XML of a JMeter plan as a tree of elements.

A .jmx file has pairs: an element with its properties, then a ``hashTree`` with the elements below it.

    <ThreadGroup testname="agents" enabled="true">
      <stringProp name="ThreadGroup.num_threads">500</stringProp>       a property; the type of its tag does not matter
      <doubleProp><name>throughput</name><value>3000.0</value></doubleProp>         another way to write one
      <collectionProp name="load_profile">…</collectionProp>            rows; the names inside are hashes and can repeat
    </ThreadGroup>
    <hashTree> …the elements below… </hashTree>

An element that is not enabled is left out with everything below it, and listed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from xml.etree.ElementTree import Element

from locust_softphone.errors import InputError
from locust_softphone.text import one_line
from locust_softphone.untrusted import XmlError, xml_element

__all__ = ["PlanElement", "Value", "read_plan"]

MOST_CHARACTERS = 16 * 1024 * 1024
DEEPEST = 200
LONGEST_NAME = 80

Value = str | list["Value"] | dict[str, "Value"]
"""Of a property: a text, the entries of a collection in their order, or the properties of an element in it."""

_WHY = {
    "not-well-formed": "it is not well-formed XML",
    "restricted-xml": "it has a DTD, entities or processing instructions, which are not read",
    "policy-violation": f"it is larger than {MOST_CHARACTERS} characters or nested deeper than {DEEPEST} elements",
}
_SKIPPED = ("hashTree", "objProp")


@dataclass(frozen=True)
class PlanElement:
    """One element of a plan.

    Args:
        kind: the last part of its class name, such as ``ThreadGroup``.
        name: as the user called it.
        properties: by name.
        children: the enabled elements below it.
        disabled: the elements directly below it that are not enabled.
    """

    kind: str
    name: str
    properties: Mapping[str, Value] = field(default_factory=dict)
    children: tuple[PlanElement, ...] = ()
    disabled: tuple[PlanElement, ...] = ()

    def __str__(self) -> str:
        return f'{self.kind} "{self.name}"' if self.name else self.kind

    def text(self, name: str) -> str:
        """A property as text; empty if it is not there."""
        value = self.properties.get(name, "")
        return value.strip() if isinstance(value, str) else ""

    def rows(self, name: str) -> list[list[str]]:
        """The rows of a table, by position."""
        table = self.properties.get(name, [])
        rows = table if isinstance(table, list) else []
        return [[cell for cell in row if isinstance(cell, str)] for row in rows if isinstance(row, list)]

    def walk(self) -> Iterator[PlanElement]:
        """This element and all elements below it, in their order."""
        yield self
        for child in self.children:
            yield from child.walk()


def read_plan(text: str, where: str) -> PlanElement:
    """The tree of a plan; its root has the elements at the top.

    Args:
        text: the content of the file.
        where: its path, for messages.

    Raises:
        InputError: it is not a JMeter plan, or XML that is not safe to read.
    """
    try:
        root = xml_element(text, max_characters=MOST_CHARACTERS, max_depth=DEEPEST, comments=True)
    except XmlError as error:
        raise InputError(f"{where}: {_WHY[error.condition]}; save the plan in JMeter again") from None
    if root.tag != "jmeterTestPlan":
        raise InputError(f"{where}: not a JMeter plan: the first element must be jmeterTestPlan")
    trees = [child for child in root if child.tag == "hashTree"]
    enabled, disabled = _children(trees[0]) if trees else ((), ())
    return PlanElement("jmeterTestPlan", "", {}, enabled, disabled)


def _children(tree: Element) -> tuple[tuple[PlanElement, ...], tuple[PlanElement, ...]]:
    """The elements of a hashTree, enabled and not."""
    enabled: list[PlanElement] = []
    disabled: list[PlanElement] = []
    nodes: list[Element | None] = list(tree)
    for node, following in pairwise([*nodes, None]):
        if node is None or node.tag == "hashTree":
            continue
        below = _children(following) if following is not None and following.tag == "hashTree" else ((), ())
        element = PlanElement(
            node.tag.rpartition(".")[2],
            one_line(" ".join((node.get("testname") or "").split()))[:LONGEST_NAME],
            _properties(node),
            *below,
        )
        (disabled if node.get("enabled", "true").lower() == "false" else enabled).append(element)
    return tuple(enabled), tuple(disabled)


def _properties(node: Element) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for child in node:
        name = child.get("name") or child.findtext("name")
        if name and child.tag not in _SKIPPED:
            found[name] = _value(child)
    return found


def _value(node: Element) -> Value:
    if node.tag == "collectionProp":
        return [_value(child) for child in node]
    if node.tag in ("elementProp", "mapProp"):
        return _properties(node)
    return node.findtext("value") or node.text or ""
