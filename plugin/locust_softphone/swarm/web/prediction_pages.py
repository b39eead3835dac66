"""The routes that predict: what a profile would give, and which ramp would avoid a run's refusals.

Only a simulated edge is predicted, as the limits of another one are not known before a run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from locust_softphone.errors import InputError
from locust_softphone.swarm.coordinator import RunCoordinator
from locust_softphone.swarm.web import form
from locust_softphone.swarm.web.finished_runs import FinishedRuns
from locust_softphone.swarm.web.predictions import BUSY, Predictions
from locust_softphone.text import quoted

__all__ = ["PredictionPages"]

_OTHER_EDGE = "the limits of this edge are not known; those of a simulated edge are"


class PredictionPages:
    """The routes of one process; each answers JSON with a ``problem`` where it cannot predict.

    Args:
        coordinator: the coordinator of the runs.
        runs: the finished runs.
        offered_profiles: gives the profiles to choose from.
    """

    def __init__(
        self, coordinator: RunCoordinator, runs: FinishedRuns, offered_profiles: Callable[[], list[str]]
    ) -> None:
        self._coordinator = coordinator
        self._runs = runs
        self._offered_profiles = offered_profiles
        self._predictions = Predictions()

    def stop(self) -> None:
        """Stop what is in progress, before a run."""
        self._predictions.stop()

    def outcome(self) -> ResponseReturnValue:
        """The simulated outcome of the profile, with the users, the ramp and the host that the form has."""
        return self._answer(self._outcome)

    def ramp(self, run_id: str) -> ResponseReturnValue:
        """The ramp that ``plan --from`` proposes after a run, in sentences, and the profile with it."""
        return self._answer(lambda: self._ramp(run_id))

    def _outcome(self) -> dict[str, Any]:
        profile = request.args.get("profile", "")
        if profile not in self._offered_profiles():
            raise InputError(f"Profile: {quoted(profile)} is not a profile")
        if request.args.get("host"):
            raise InputError(_OTHER_EDGE)
        options = self._coordinator.read_options(profile, "", form.overrides_of(request.args))
        if options.hosts is not None:  # a region names them
            raise InputError(_OTHER_EDGE)
        return {"text": self._predictions.outcome(options.profile.resolved(), options.startup.policy)}

    def _ramp(self, run_id: str) -> dict[str, Any]:
        found = self._predictions.ramp(self._runs.record(run_id).profile, self._runs.path(run_id))
        return {"lines": found.lines, "name": found.name, "profile": found.profile}

    def _answer(self, predict: Callable[[], dict[str, Any]]) -> ResponseReturnValue:
        try:
            if self._coordinator.phase != "idle":
                raise InputError("nothing is simulated during a run: it would delay the softphones' starts")
            return jsonify(predict())
        except InputError as error:
            return jsonify(problem=str(error), busy=str(error) == BUSY)
