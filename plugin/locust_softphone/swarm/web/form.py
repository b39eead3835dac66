"""Checks the form that Locust's ``POST /swarm`` takes; Locust 2.47 accepts any field and any value.

A run that cannot begin is refused here, so that the form can show why. Later, only the log would.
"""

from __future__ import annotations

from collections.abc import Mapping

from locust.env import Environment
from locust.web import WebUI
from werkzeug.datastructures import MultiDict

from locust_softphone.config.overrides import Overrides
from locust_softphone.config.profile_files import list_profiles, profile_folders
from locust_softphone.errors import InputError
from locust_softphone.swarm.coordinator import Phase, RunCoordinator
from locust_softphone.swarm.shape import ProfileShape
from locust_softphone.swarm.user import SoftphoneUser
from locust_softphone.swarm.web.form_problems import in_words_of_the_form
from locust_softphone.text import choices, quoted

__all__ = ["LONGEST_FORM", "check_start", "is_ours", "offered_profiles", "our_shape", "our_users", "overrides_of"]

LONGEST_FORM = 64 * 1024
"""Bytes of a form; Locust's own form has some hundreds."""

LONGEST_VALUE = 2048
_PREFIX = "softphone_"
_PROFILE = "softphone_profile"
_NOT_NOW: Mapping[Phase, str] = {
    "preparing": "a run is being prepared: stop it first, or wait until it is over",
    "running": "a run is in progress: stop it first, or wait until it is over",
    "stopping": "the previous run is being finished: try again in a moment",
}


def offered_profiles(named_at_start: str) -> list[str]:
    """The entries of the drop-down: the names that exist now, and the name or path of the command line."""
    names = [each.name for each in list_profiles(profile_folders())]
    return names if named_at_start in names else [named_at_start, *names]


def our_shape(environment: Environment) -> str | None:
    """The name of the locustfile's ``ProfileShape``, if it has one."""
    shapes = environment.available_shape_classes or {}
    return next((name for name, shape in shapes.items() if isinstance(shape, ProfileShape)), None)


def our_users(environment: Environment) -> list[str]:
    """The names of the locustfile's softphone users."""
    users = environment.available_user_classes or {}
    return [name for name, user in users.items() if isinstance(user, type) and issubclass(user, SoftphoneUser)]


def check_start(form: Mapping[str, str], coordinator: RunCoordinator, named_at_start: str) -> None:
    """Check that a form can start a run of softphones.

    Args:
        form: its fields.
        coordinator: the coordinator of the run.
        named_at_start: the profile that the command line named.

    Raises:
        InputError: with the problems, a line each.
    """
    if coordinator.phase != "idle":
        raise InputError(_NOT_NOW[coordinator.phase])
    if coordinator.workers == 0:  # Locust 2.47 only logs it, and waits for ever
        raise InputError("no worker has joined yet: start one with locust --worker")
    problems = [f"{quoted(name)}: its value is too long" for name, value in form.items() if len(value) > LONGEST_VALUE]
    problems += [
        f"{quoted(name)} is not a field of this form: set it when Locust is started"
        for name in form
        if name.startswith(_PREFIX) and name != _PROFILE
    ]
    profile, offered = form.get(_PROFILE), offered_profiles(named_at_start)
    if profile is not None and profile not in offered:
        problems.append(f"Profile: {quoted(profile)} is not a profile, {choices(profile, offered)}")
    if problems:
        raise InputError(*problems)
    overrides, host = overrides_of(form), form.get("host")
    try:
        coordinator.check(profile=profile, host=host, overrides=overrides)
    except InputError as error:
        raise InputError(*(in_words_of_the_form(problem, host) for problem in error.problems)) from None
    coordinator.overrides = overrides


def overrides_of(form: Mapping[str, str]) -> Overrides:
    """What a form, or a query, changes in the profile."""
    return Overrides(users=form.get("override_users", ""), ramp=form.get("override_ramp", ""))


def is_ours(form: MultiDict[str, str], web_ui: WebUI) -> bool:
    """Whether a form starts a run of softphones; with ``--class-picker`` it may be a run of other users.

    Raises:
        InputError: it combines softphones with another shape, or our shape with other users.
    """
    environment = web_ui.environment
    if web_ui.userclass_picker_is_active:
        users = form.getlist("user_classes") or list(environment.available_user_classes or {})
        shaped = form.get("shape_class", "Default") == our_shape(environment)
    else:
        users = [user.__name__ for user in environment.user_classes]
        shaped = isinstance(environment.shape_class, ProfileShape)
    softphones, shape = our_users(environment), our_shape(environment)
    others = [quoted(user) for user in users if user not in softphones]
    if shaped and others:
        raise InputError(f"{', '.join(others)}: not a softphone, and {shape} is for softphones only")
    if not shaped and len(others) < len(users):
        raise InputError(
            f"choose {shape} as the shape class: the profile decides how many softphones start, and when"
            if shape
            else "the locustfile has no ProfileShape, which decides how many softphones start, and when"
        )
    return shaped
