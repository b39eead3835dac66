"""The values of ``${…}`` in a plan.

    ${agents}                     from User Defined Variables, or given
    ${__P(agents,500)}            a property of JMeter (jmeter -Jagents=…): given, or its default
    ${__property(agents,,500)}    the same
    ${__Random(1,9)}              any other function: asked for, never guessed

A default of ``__P`` can be a secret, so a message never shows it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from locust_softphone.jmeter.plan_tree import PlanElement, Value

__all__ = ["NotGiven", "Variables", "user_defined"]

DEEPEST = 10
"""How often the value of a variable can refer to another one."""

LONGEST = 1000
"""Characters of a value: variables that refer to each other can make an endless text."""

LONGEST_SHOWN = 60

_EXPRESSION = re.compile(r"\$\{([^{}]*)\}")
_PROPERTY = re.compile(r"__(P|property)\((.*)\)", re.DOTALL)
_DEFAULT_OF_P = "1"  # JMeter's documentation of __P: without a default it is 1


class NotGiven(ValueError):
    """A value depends on something that the plan does not say; the text is what to give."""


class Variables:
    """Resolves what a plan's texts refer to.

    Args:
        defined: User Defined Variables of the plan.
        given: by the user; they count more, and can also be the text of a function.
    """

    def __init__(self, defined: Mapping[str, str], given: Mapping[str, str]) -> None:
        self._defined = defined
        self._given = given

    def resolve(self, text: str) -> str:
        """The text with every ``${…}`` replaced.

        Raises:
            NotGiven: one has no value.
        """
        for _ in range(DEEPEST):
            if len(text) > LONGEST:
                break
            if not _EXPRESSION.search(text):
                return text.strip()
            text = _EXPRESSION.sub(lambda found: self._value(found[1].strip())[: LONGEST + 1], text)
        raise NotGiven(text[:LONGEST_SHOWN])

    def _value(self, inside: str) -> str:
        if inside in self._given:
            return self._given[inside]
        if found := _PROPERTY.fullmatch(inside):
            name, *others = (part.strip() for part in found[2].split(","))
            if name in self._given:
                return self._given[name]
            if found[1] == "P":
                return others[0] if others else _DEFAULT_OF_P
            if len(others) > 1:
                return others[1]
            raise NotGiven(name)
        if inside in self._defined:
            return self._defined[inside]
        raise NotGiven(inside)


def user_defined(elements: Iterable[PlanElement]) -> dict[str, str]:
    """The User Defined Variables of the test plan and of its configuration elements."""
    found: dict[str, str] = {}
    for element in elements:
        if element.kind == "TestPlan":
            found |= _arguments(element.properties.get("TestPlan.user_defined_variables", {}))
        elif element.kind == "Arguments":
            found |= _arguments(dict(element.properties))
    return found


def _arguments(value: Value) -> dict[str, str]:
    rows = value.get("Arguments.arguments", []) if isinstance(value, dict) else []
    found = {}
    for row in rows if isinstance(rows, list) else []:
        name, text = (row.get("Argument.name"), row.get("Argument.value")) if isinstance(row, dict) else (None, None)
        if isinstance(name, str) and isinstance(text, str):
            found[name] = text
    return found
