"""Everything of a plan that a profile cannot express, one line each. Nothing is left out without a line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from locust_softphone.jmeter.plan_settings import PlanSettings
from locust_softphone.jmeter.plan_tree import PlanElement
from locust_softphone.jmeter.samplers import Role, is_sampler, uses_of
from locust_softphone.jmeter.thread_groups import is_thread_group
from locust_softphone.jmeter.variables import NotGiven

__all__ = ["left_out_of", "unexpressed_settings"]

_TRANSLATED = ("TestPlan", "Arguments", "LoopController", "OnceOnlyController", "GenericController", "WorkBench")

_WHY: Mapping[str, str] = {
    "HeaderManager": "headers are not carried over, they can contain secrets; the dialect sets its own",
    "AuthManager": "credentials are not carried over; give them with --client-id and --client-secret-file",
    "CookieManager": "cookies are not kept; the dialect needs none",
    "CSVDataSet": "its file is not read; give accounts with --users",
    "ConfigTestElement": "defaults of requests are not carried over; give the edge with --host",
    "HTTPDefaults": "defaults of requests are not carried over; give the edge with --host",
    "PingFrameFilter": "a softphone answers every ping, also where the filter would not (replyToPing=false)",
    "TextFrameFilter": "the dialect knows its frames",
    "BinaryFrameFilter": "the dialect knows its frames",
    "IncludeController": "the included plan is not read; import it as well",
    "ModuleController": "the elements it refers to are not followed",
    "TestFragmentController": "the elements in it are not followed",
    "ThroughputController": "its share is not applied: its elements count as always used",
    "IfController": "its condition is not evaluated: its elements count as always used",
    "WhileController": "its condition is not evaluated: its elements count as used once",
    "ForeachController": "its elements count as used once",
    "TransactionController": "only groups results",
}
_BY_END: Mapping[str, str] = {
    "Assertion": "write an expectation instead (expect: in the profile)",
    "Collector": "results are in the run record and in locust-softphone report",
    "Visualizer": "results are in the run record and in locust-softphone report",
    "Listener": "results are in the run record and in locust-softphone report",
    "Summariser": "results are in the run record and in locust-softphone report",
    "Extractor": "the dialect reads its own answers",
    "PreProcessor": "scripts are not translated; write a custom scenario in Python",
    "PostProcessor": "scripts are not translated; write a custom scenario in Python",
    "Timer": "a timer outside of what is paced here",
    "Manager": "no equivalent",
    "Controller": "its logic is not translated: its elements count as used once",
}


def left_out_of(root: PlanElement) -> list[str]:
    """A line for each kind of element without an equivalent, and for each element that is not enabled."""
    lines = Counter(_line(element) for element in root.walk() if _is_left_out(element))
    if any(plan.text("TestPlan.serialize_threadgroups").lower() == "true" for plan in root.children):
        lines["its thread groups run one after the other; profiles do not wait for each other"] += 1
    lines += Counter(
        f"{disabled}: not enabled, left out with everything below it"
        for element in root.walk()
        for disabled in element.disabled
    )
    return [f"{line} ({times} times)" if times > 1 else line for line, times in lines.items()]


def unexpressed_settings(settings: PlanSettings) -> list[str]:
    """A line for each setting of a thread group, and of its samplers, that the profile does not have."""
    group = settings.element
    uses = uses_of(group)
    lines = []
    on_error = _text(settings, "ThreadGroup.on_sample_error")
    if on_error not in ("", "continue"):
        lines.append(f"after an error it would do {on_error!r}; a softphone gives up its call and stays until the end")
    if group.kind in ("SetupThreadGroup", "PostThreadGroup"):
        when = "before" if group.kind == "SetupThreadGroup" else "after"
        lines.append(f"it runs {when} all other groups; profiles do not wait for each other")
    if _text(settings, "ThreadGroup.same_user_on_next_iteration").lower() == "false":
        lines.append("each pass would be a new user; a softphone stays the same")
    others = [use.element for use in uses if use.roles == (Role.OTHER,)]
    lines += [f"{element}: not a step of a call, left out" for element in others]
    if any(Role.HANDSHAKE in use.roles or Role.OFFER in use.roles for use in uses):
        lines.append("payloads and paths of its samplers: the dialect of a profile has its own messages")
    return lines


def _text(settings: PlanSettings, name: str) -> str:
    try:
        return settings.text(name)
    except NotGiven:
        return ""


def _is_left_out(element: PlanElement) -> bool:
    kind = element.kind
    known = kind == "jmeterTestPlan" or kind in _TRANSLATED or is_thread_group(kind) or is_sampler(element)
    return not known and not (kind.endswith("Timer") and kind != "SyncTimer")


def _line(element: PlanElement) -> str:
    why = _WHY.get(element.kind) or next((why for end, why in _BY_END.items() if element.kind.endswith(end)), None)
    if why:
        return f"{element.kind}: {why}"
    return f"{element}: not known"
