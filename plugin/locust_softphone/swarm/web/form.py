"""What Locust's ``POST /swarm`` may be given: Locust 2.47 takes whatever comes, choices are for its own form alone.

A run that cannot begin is refused here, where the form still shows why; once it has begun, only the log would.
"""

from __future__ import annotations

from collections.abc import Mapping

from locust.env import Environment
from locust.web import WebUI
from werkzeug.datastructures import MultiDict

from locust_softphone.config.profile_files import list_profiles, profile_folders
from locust_softphone.errors import InputError
from locust_softphone.swarm.coordinator import Phase, RunCoordinator
from locust_softphone.swarm.shape import ProfileShape
from locust_softphone.swarm.user import SoftphoneUser
from locust_softphone.text import choices, quoted

__all__ = ["LONGEST_FORM", "check_start", "is_ours", "offered_profiles", "our_shape", "our_users"]

LONGEST_FORM = 64 * 1024
"""Bytes of a form; Locust's own has some hundreds."""

LONGEST_VALUE = 2048
_PREFIX = "softphone_"
_PROFILE = "softphone_profile"
_NOT_NOW: Mapping[Phase, str] = {
    "preparing": "a run is being prepared: stop it first, or wait until it is over",
    "running": "a run is on: stop it first, or wait until it is over",
    "stopping": "the run before is still being finished: try again in a moment",
}


def offered_profiles(named_at_start: str) -> list[str]:
    """What the drop-down offers: the names that there are now, and what the command line named, be it a path."""
    names = [each.name for each in list_profiles(profile_folders())]
    return names if named_at_start in names else [named_at_start, *names]


def our_shape(environment: Environment) -> str | None:
    """The name of the locustfile's ``ProfileShape``, if it has one."""
    shapes = environment.available_shape_classes or {}
    return next((name for name, shape in shapes.items() if isinstance(shape, ProfileShape)), None)


def our_users(environment: Environment) -> list[str]:
    """The names of the locustfile's softphones."""
    users = environment.available_user_classes or {}
    return [name for name, user in users.items() if isinstance(user, type) and issubclass(user, SoftphoneUser)]


def check_start(form: Mapping[str, str], coordinator: RunCoordinator, named_at_start: str) -> None:
    """See that a form can start a run of softphones.

    Args:
        form: its fields.
        coordinator: of the run.
        named_at_start: the profile that the command line named.

    Raises:
        InputError: with every problem that can be told at once, a line each.
    """
    if coordinator.phase != "idle":
        raise InputError(_NOT_NOW[coordinator.phase])
    if coordinator.workers == 0:  # Locust 2.47 says so in its log alone, and waits for ever
        raise InputError("no worker has joined yet: start one with locust --worker")
    problems = [f"{quoted(name)}: its value is too long" for name, value in form.items() if len(value) > LONGEST_VALUE]
    problems += [
        f"{quoted(name)} is no field of this form, it is given when Locust is started"
        for name in form
        if name.startswith(_PREFIX) and name != _PROFILE
    ]
    profile, offered = form.get(_PROFILE), offered_profiles(named_at_start)
    if profile is not None and profile not in offered:
        problems.append(f"{quoted(profile)} is no profile, {choices(profile, offered)}")
    if problems:
        raise InputError(*problems)
    coordinator.check(profile=profile, host=form.get("host"))


def is_ours(form: MultiDict[str, str], web_ui: WebUI) -> bool:
    """Whether a form asks for a run of softphones; with ``--class-picker`` it may be one of other users.

    Raises:
        InputError: it asks for half of one.
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
        raise InputError(f"{', '.join(others)}: no softphone, and {shape} is for softphones only")
    if not shaped and len(others) < len(users):
        raise InputError(
            f"choose {shape} as the shape class: the profile decides how many softphones start, and when"
            if shape
            else "the locustfile has no ProfileShape, which decides how many softphones start, and when"
        )
    return shaped
