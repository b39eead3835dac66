"""Our pages in a real browser: choose, start, watch, stop, compare. See ``tests/browser.py``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from locust_softphone.commands.locust_process import unused_port
from locust_softphone.config.profile_files import load_profile
from locust_softphone.runs import storage
from locust_softphone.simulation.network_model import NetworkModel
from tests.browser import Browser, running_browser
from tests.edge.softphone import eventually
from tests.simulation.simulated import policy, profile, simulate
from tests.swarm.locust_process import records, running_locust
from tests.swarm.web_ui import WebUI

if TYPE_CHECKING:
    from playwright.sync_api import Page

LONG = """
# <b>Held</b> for long.
name: long
users: 30
ramp: {rate: 2/s}
hold: 10m
"""

CROWDED = """
name: crowded
users: 40
ramp: 2s
hold: 500ms
edge: {limits: {handshake: {rate: 10/s, burst: 2}}}
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as running:
        yield running


@contextmanager
def locust_at(folder: Path, *options: str, base: str = "") -> Iterator[str]:
    """The address of a Locust with a profile of its own folder; ``base`` is its ``--web-base-path``."""
    (folder / "scenarios").mkdir()
    (folder / "scenarios" / "long.yaml").write_text(LONG)
    port = unused_port()
    where = ("--web-host", "127.0.0.1", "--web-port", str(port))
    path = ("--web-base-path", base) if base else ()
    with running_locust(folder, *where, *path, *options, profile=None):
        eventually(WebUI(port, base).is_there)
        yield f"http://127.0.0.1:{port}{base}"


def simulated_run(runs: Path) -> str:
    """The id of a simulated run that shows its limit, with a record in ``runs``."""
    limited = policy(limits={"handshake": {"rate": "20/s", "burst": 40}}, max_early_retries=1000)
    eager = {"retry": {"initial": "1s", "multiplier": 1, "jitter": "full", "max_retries": 9}}
    record = simulate(profile(150, softphone=eager), limited, NetworkModel(0.002, 0.0, 0.001), diagnosed=True)
    storage.write(record, runs / record.run_id)
    return record.run_id


def number(page: Page, name: str) -> int:
    """The number in a tile."""
    tile = page.locator("#totals div").filter(has=page.get_by_text(name, exact=True))
    return int(re.findall(r"\d+", tile.locator("dd").inner_text())[0])


def choose(page: Page, profile: str) -> None:
    """Choose a profile and wait until the page says what it will do."""
    page.get_by_label("Profile").select_option(profile)
    page.locator("#plan").get_by_text(": the last softphone starts").wait_for()


def see_numbers_move(page: Page) -> None:
    eventually(lambda: number(page, "connected") >= 2)
    seen = number(page, "connected")
    eventually(lambda: number(page, "connected") > seen)


def stop_in_the_middle(page: Page) -> None:
    page.get_by_role("button", name="Stop").click()
    page.locator("#phase").get_by_text("invalid").wait_for()
    page.get_by_text("the run was stopped before its plan was over").wait_for()


def run_until_it_passes(page: Page, folder: Path) -> None:
    """Start the profile that is chosen; again, if the machine was too busy to be on time, which the page then says."""
    for _ in range(5):
        before = set(folder.glob("runs/*/run.json"))
        page.get_by_role("button", name="Start").click()
        eventually(lambda before=before: before < set(folder.glob("runs/*/run.json")))  # type: ignore[misc]
        (written,) = set(folder.glob("runs/*/run.json")) - before
        page.locator(f"#record[href*='{written.parent.name}']").wait_for()
        page.locator("#phase").get_by_text(re.compile("passed|failed|invalid")).wait_for()
        if page.get_by_text("the generator was saturated").count() == 0:
            break
    assert page.locator("#phase").inner_text() == "passed"


def test_choose_watch_stop_start_another_and_compare(browser: Browser, tmp_path: Path) -> None:
    with locust_at(tmp_path) as locust, browser.page() as page:
        page.goto(f"{locust}/softphone/")
        choose(page, "long")
        page.get_by_text("<b>Held</b> for long.").wait_for()
        page.get_by_role("button", name="Start").click()
        page.locator("#phase").get_by_text("running").wait_for()
        see_numbers_move(page)
        assert page.locator("#so-far .scatterlayer .trace").count() == 4
        stop_in_the_middle(page)

        choose(page, "smoke")
        run_until_it_passes(page, tmp_path)
        stopped, *_, smoke = records(tmp_path, even_late=True)
        assert (stopped["verdict"], smoke["verdict"]) == ("invalid", "passed")
        assert number(page, "answered") == smoke["totals"]["answered"]

        page.get_by_role("link", name="Finished runs").click()
        with page.expect_download() as download:
            page.get_by_role("link", name="record").first.click()
        assert json.loads(download.value.path().read_text()) == smoke
        assert page.get_by_role("button", name="Compare", exact=True).is_disabled()
        for box in page.get_by_role("checkbox").all():
            box.check()
        page.get_by_role("button", name="Compare", exact=True).click()
        page.get_by_text(re.compile("Left out because not valid: .*long")).wait_for()


def test_users_and_ramp_can_be_changed_and_problems_are_told_in_words_of_the_form(
    browser: Browser, tmp_path: Path
) -> None:
    (tmp_path / "beside.yaml").write_text("{name: beside, users: 100, ramp: 60s, hold: 500ms}")
    with locust_at(tmp_path) as locust, browser.page() as page:
        page.goto(f"{locust}/softphone/")
        choose(page, "beside")
        users, ramp, host = (page.get_by_label(name, exact=True) for name in ("Users", "Ramp", "Host"))
        problem, start = page.locator("#start form .problem"), page.get_by_role("button", name="Start")
        users.fill("many")
        ramp.fill("300ms")
        start.click()
        problem.get_by_text('Users: "many" is not a whole number; type one such as 100').wait_for()
        assert users.get_attribute("aria-invalid") == "true"
        users.fill("6")
        host.fill("http://edge.example")
        page.locator("#plan").get_by_text("6 softphones, over 300ms").wait_for()
        start.click()
        problem.get_by_text("start it again with --host http://edge.example --").wait_for()
        problem.get_by_text("leave Host empty").wait_for()
        assert "--softphone-host" not in problem.inner_text()
        assert (users.get_attribute("aria-invalid"), host.get_attribute("aria-invalid")) == (None, "true")
        host.fill("")
        start.click()
        page.locator("#phase").get_by_text(re.compile("passed|failed|invalid")).wait_for()
        page.get_by_text("users 6 instead of 100, ramp 300ms instead of 60s").wait_for()
        assert page.get_by_text(re.compile("^6 of 6 answered")).is_visible()

        page.get_by_role("link", name="report").click()
        page.locator("dd").get_by_text("users 6 instead of 100").wait_for()
        page.get_by_role("link", name="Finished runs").click()
        page.get_by_role("heading", name="Finished runs").wait_for()
        page.get_by_text("users 6 instead of 100").wait_for()
    (record,) = records(tmp_path, even_late=True)
    assert (record["profile"]["users"], record["profile"]["ramp"]) == (6, "300ms")
    assert record["overridden"] == {"users": 100, "ramp": "60s"}


def test_it_simulates_before_a_run_and_plans_a_ramp_after_one_with_refusals(browser: Browser, tmp_path: Path) -> None:
    with locust_at(tmp_path) as locust, browser.page() as page:
        (tmp_path / "scenarios" / "crowded.yaml").write_text(CROWDED)
        page.goto(f"{locust}/softphone/")
        choose(page, "crowded")
        simulated = page.locator("#simulated")
        simulated.get_by_text(re.compile(r"^simulated: \d+ of 40 answered; \d+ requests refused with 429")).wait_for()
        users, host = (page.get_by_label(name, exact=True) for name in ("Users", "Host"))
        host.fill("http://localhost:9")
        host.blur()
        simulated.get_by_text("not simulated: the limits of this edge are not known").wait_for()
        host.fill("")
        users.fill("6000")
        users.blur()
        simulated.get_by_text("not simulated: more than 5000 softphones").wait_for()
        users.fill("")
        plan = page.get_by_role("button", name="Plan a ramp without refusals")
        assert plan.is_hidden()

        # The plan is made from a simulated run: on a busy machine a real one may not show its limit well enough.
        virtual = simulated_run(tmp_path / "runs")
        page.route("**/runs/*/ramp", lambda route: route.continue_(url=f"{locust}/softphone/runs/{virtual}/ramp"))
        page.get_by_role("button", name="Start").click()
        plan.click()
        with page.expect_download() as download:
            page.get_by_role("link", name="Download the planned profile").click()
        assert page.locator("#ramp li").get_by_text(re.compile("150 softphones .* meet rate_limited == 0")).is_visible()
        download.value.save_as(tmp_path / "planned.yaml")
        assert load_profile(tmp_path / "planned.yaml", ()).name == download.value.suggested_filename.removesuffix(
            ".yaml"
        )

        choose(page, "long")
        page.get_by_role("button", name="Start").click()
        page.locator("#phase").get_by_text("running").wait_for()
        during = page.request.get(f"{locust}/softphone/prediction?profile=crowded").json()
        assert during["problem"].startswith("nothing is simulated during a run")


def test_over_two_workers_watch_stop_and_start_another(browser: Browser, tmp_path: Path) -> None:
    with locust_at(tmp_path, "--processes", "2") as locust, browser.page() as page:
        page.goto(f"{locust}/softphone/")
        page.get_by_text("with 2 workers").wait_for()
        choose(page, "long")
        page.get_by_role("button", name="Start").click()
        page.locator("#phase").get_by_text("running").wait_for()
        page.get_by_text("simulated edge, 2 workers").wait_for()
        see_numbers_move(page)
        stop_in_the_middle(page)

        choose(page, "smoke")
        run_until_it_passes(page, tmp_path)
        stopped, *_, smoke = records(tmp_path, even_late=True)
        assert (stopped["verdict"], smoke["verdict"]) == ("invalid", "passed")
        assert smoke["workers"] == 2
        assert number(page, "answered") == smoke["totals"]["answered"] == smoke["totals"]["planned"]


def test_without_a_worker_the_form_says_so(browser: Browser, tmp_path: Path) -> None:
    bound = ("--master-bind-host", "127.0.0.1", "--master-bind-port", str(unused_port()))
    with locust_at(tmp_path, "--master", *bound) as locust, browser.page() as page:
        page.goto(f"{locust}/softphone/")
        page.get_by_text("with 0 workers").wait_for()
        page.get_by_role("button", name="Start").click()
        page.get_by_text("no worker has joined yet").wait_for()
        assert page.locator("#stop").is_hidden()


def test_locusts_own_form_offers_the_profiles_and_its_tab_has_the_metrics(browser: Browser, tmp_path: Path) -> None:
    with locust_at(tmp_path, base="/load") as locust, browser.page(width=390, dark=True) as page:
        page.goto(f"{locust}/")
        page.get_by_label("Softphone Profile").select_option("long")
        page.get_by_text("30 softphones, at 2/s").wait_for()
        profile, users = (page.get_by_label(name).bounding_box() for name in ("Softphone Profile", "Number of users"))
        assert profile is not None
        assert users is not None
        assert profile["y"] < users["y"]
        assert page.get_by_text("has no host attribute set").count() == 0
        page.get_by_role("button", name="Start").click()
        page.get_by_role("tab", name="Softphone").click()
        page.get_by_role("cell", name="planned by now").wait_for()
        page.get_by_role("link", name=re.compile("^Softphone")).click()
        page.locator("#phase").get_by_text("running").wait_for()
        page.get_by_role("button", name="Stop").click()
        page.locator("#phase").get_by_text("invalid").wait_for()
