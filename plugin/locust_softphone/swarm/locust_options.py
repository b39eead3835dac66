"""Adds the options of a run to Locust's command line, help and web form; ``options.py`` reads them."""

from __future__ import annotations

from argparse import SUPPRESS, Action
from typing import Any

from locust.argument_parser import LocustArgumentParser

from locust_softphone.config.profile_files import list_profiles, profile_folders
from locust_softphone.swarm.option_list import OLD_AUTHORIZED, PROFILE, STARTUP_OPTIONS, OldAuthorized, Option

__all__ = ["add_options"]

_GROUP_ABOUT = "Every option can also be set by its environment variable, such as LOCUST_SOFTPHONE_PROFILE."


class _Suggestions(tuple[str, ...]):
    """Choices for the web UI's drop-down; the command line may also name a path."""

    def __contains__(self, value: object) -> bool:
        return True


def add_options(parser: LocustArgumentParser) -> None:
    """Add our options to Locust's parser, in a group of their own in its help."""
    if parser.prog == "__main__.py":
        parser.prog = "locust"  # started with python -m locust; it is named in messages
    group = parser.add_argument_group("Softphones", _GROUP_ABOUT)
    for option in (PROFILE, *STARTUP_OPTIONS):
        action = group.add_argument(
            option.in_locust, dest=option.dest, env_var=option.variable, help=option.text, **_settings(option)
        )
        _mark(action, in_web_ui=option is PROFILE, secret=option.secret)
    old = group.add_argument(OLD_AUTHORIZED, dest="softphone_authorized", action=OldAuthorized, default=SUPPRESS)
    old.help = SUPPRESS
    _mark(old)


def _settings(option: Option) -> dict[str, Any]:
    if option is PROFILE:
        names = _Suggestions(each.name for each in list_profiles(profile_folders()))
        return {"metavar": option.metavar, "default": option.default, "choices": names}
    if option.metavar:
        return {"metavar": option.metavar, "default": option.default}
    return {"action": "store_true", "default": False}


def _mark(action: Action, *, in_web_ui: bool = False, secret: bool = False) -> None:
    """Set what Locust's ``add_argument`` takes as arguments; the one of a group does not take them."""
    marks = {"include_in_web_ui": in_web_ui, "is_secret": secret, "is_required": False, "is_multiple": False}
    vars(action).update(marks)
