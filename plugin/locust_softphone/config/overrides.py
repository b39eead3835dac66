"""A profile with other users or another ramp, as a form asks for it; everything else stays as in its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from locust_softphone.config import strict_yaml
from locust_softphone.config.profile import Profile
from locust_softphone.errors import InputError
from locust_softphone.text import quoted

__all__ = ["Overrides"]


@dataclass(frozen=True)
class Overrides:
    """What to change in a profile; an empty text changes nothing.

    Args:
        users: the number of softphones, as text.
        ramp: a duration such as ``60s``, or an arrival rate such as ``50/s``.
    """

    users: str = ""
    ramp: str = ""

    def apply(self, profile: Profile) -> Profile:
        """The changed profile.

        Raises:
            InputError: it is not a valid profile; each line begins with ``Users:`` or ``Ramp:``.
        """
        changed: dict[str, Any] = {}
        if users := self.users.strip():
            if not users.isdecimal() or not users.isascii():
                raise InputError(f"Users: {quoted(users)} is not a whole number; type one such as 100")
            changed["users"] = int(users)
        if ramp := self.ramp.strip():
            changed["ramp"] = {"rate": ramp} if "/" in ramp else ramp
        if not changed:
            return profile
        try:
            text = yaml.safe_dump({**profile.resolved(), **changed}, sort_keys=False, allow_unicode=True)
            return strict_yaml.loads(text, Profile, name="form")
        except InputError as error:
            raise InputError(*(_in_words_of_the_form(problem, changed) for problem in error.problems)) from None

    @staticmethod
    def replaced(before: Profile, after: Profile) -> Mapping[str, Any]:
        """The values of the file that were overridden, by key."""
        was, now = before.resolved(), after.resolved()
        return {key: was[key] for key in ("users", "ramp") if was[key] != now[key]}


def _in_words_of_the_form(problem: str, changed: Mapping[str, Any]) -> str:
    """``form:3: ramp: must …`` as ``Ramp: must …``, with an example."""
    problem = problem.split(": ", 1)[1]
    for key, example in (("users", "100"), ("ramp", "60s or 50/s")):
        if problem.startswith(key) and key in changed:
            return f"{key.capitalize()}{problem.removeprefix(key)}; type a value such as {example}"
    return f"Users: {problem}; with this profile, change the ramp too" if "users" in changed else f"Ramp: {problem}"
