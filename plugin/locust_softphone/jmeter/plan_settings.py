"""The settings of one element of a plan, as numbers and words."""

from __future__ import annotations

from math import isfinite

from locust_softphone.config.ramp import MOST_USERS
from locust_softphone.config.units import LONGEST_S
from locust_softphone.jmeter.plan_tree import PlanElement
from locust_softphone.jmeter.variables import Variables
from locust_softphone.text import quoted

__all__ = ["BadSetting", "PlanSettings"]


class BadSetting(ValueError):
    """A setting cannot be used; the text says which, and what would be right."""


class PlanSettings:
    """Reads the settings of an element.

    Args:
        element: of the plan.
        variables: for what its texts refer to.

    Methods raise ``NotGiven`` for a value that the plan does not say, and ``BadSetting`` for one that cannot be used.
    """

    def __init__(self, element: PlanElement, variables: Variables) -> None:
        self.element = element
        self._variables = variables

    def text(self, name: str) -> str:
        """A setting as text; empty if it is not there."""
        return self.resolve(self.element.text(name))

    def resolve(self, text: str) -> str:
        """A text with its variables replaced."""
        return self._variables.resolve(text)

    def flag(self, name: str) -> bool:
        """Whether a setting is ``true``."""
        return self.text(name).lower() == "true"

    def number(self, name: str, default: float = 0.0) -> float:
        """A setting that cannot be negative; the default if it is empty."""
        return self._number(name, self.text(name), default)

    def whole(self, name: str, default: int = 0) -> int:
        """The same for whole numbers."""
        return self._whole(name, self.number(name, default))

    def seconds(self, name: str, default: float = 0.0) -> float:
        """A duration in seconds."""
        return self._seconds(name, self.number(name, default))

    def rows(self, name: str, columns: int) -> list[list[float]]:
        """The rows of a table of numbers, by position."""
        found = []
        for row in self.element.rows(name):
            if len(row) < columns:
                raise BadSetting(f"{name} has a row with {len(row)} columns, it must have {columns}")
            found.append([self._number(name, self._variables.resolve(cell), 0.0) for cell in row[:columns]])
        return found

    def _number(self, name: str, text: str, default: float) -> float:
        if not text:
            return default
        try:
            number = float(text)
        except ValueError:
            number = -1.0
        if not isfinite(number) or number < 0:
            raise BadSetting(f"{name} is {quoted(text)}, it must be a number from 0")
        return number

    def _whole(self, name: str, number: float) -> int:
        if number > MOST_USERS:
            raise BadSetting(f"{name} is {number:g}, it can be at most {MOST_USERS}")
        return int(number)

    def _seconds(self, name: str, number: float) -> float:
        if number > LONGEST_S:
            raise BadSetting(f"{name} is {number:g} s, it can be at most {LONGEST_S:g} s")
        return number
