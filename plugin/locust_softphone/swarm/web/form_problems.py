"""Problems in the words of the form: they name a field of the page instead of an option, and say what to do there.

    --host http://edge.example: not this machine …   →   Host: http://edge.example: not this machine …
                                                         Stop Locust, and start it again with …

The checks are those of the command line; only their wording is another one.
"""

from __future__ import annotations

import re
import shlex

from locust_softphone.signaling.target import ASK_FIRST
from locust_softphone.swarm.option_list import AUTHORIZED

__all__ = ["in_words_of_the_form"]

_HOST = re.compile(r"--host:? ?")
_STARTUP = re.compile(r"--softphone-[a-z-]+|LOCUST_SOFTPHONE_[A-Z_]+")
_EMPTY_IS_SIMULATED = "Or leave Host empty: then a simulated edge is started for the run."
_RESTART = "Stop Locust in its terminal, and start it again with"


def in_words_of_the_form(problem: str, host: str | None) -> str:
    """A problem of the command line as a problem of the form.

    Args:
        problem: begins with the option that it is about, if there is one.
        host: what was typed as host.
    """
    if _HOST.match(problem):
        return _of_host(_HOST.sub("", problem, count=1), host or "")
    if _STARTUP.search(problem):
        return f"{problem}. This form cannot set it: {_RESTART} the right value."
    return problem


def _of_host(problem: str, host: str) -> str:
    if problem.endswith(ASK_FIRST) or "Locust was started with permission for" in problem:
        what = problem.split(": ")[0]
        return (
            f"Host: {what} is not this machine, and a load test needs the permission of its owner. If you have it: "
            f"{_RESTART} --host {shlex.quote(host)} {AUTHORIZED}. {_EMPTY_IS_SIMULATED}"
        )
    if variables := _STARTUP.search(problem):
        return f"Host: {problem}. Set {variables[0]} where Locust is started: {_RESTART} it."
    if not host:
        return f"Host: {problem}."
    return f"Host: {problem}. {_EMPTY_IS_SIMULATED}"
