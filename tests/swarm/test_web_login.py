"""Our pages with Locust's login, with its class picker, and with locust-plugins installed."""

from __future__ import annotations

import http.cookiejar
import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from locust_softphone.commands.locust_process import unused_port
from tests.edge.softphone import eventually
from tests.swarm.locust_process import PACKAGES, records, run_locust, running_locust
from tests.swarm.web_ui import WebUI

WITH_LOGIN = """
from flask import redirect
from flask_login import UserMixin, login_user
from locust import User, events, task

from locust_softphone import ProfileShape, SoftphoneUser, install

install(events)


class Shape(ProfileShape):
    pass


class Softphone(SoftphoneUser):
    pass


class Another(User):
    @task
    def nothing(self):
        pass


class Somebody(UserMixin):
    id = "somebody"


@events.init.add_listener
def let_in(web_ui, **_):
    web_ui.app.secret_key = "of this test"
    web_ui.login_manager.user_loader(lambda _: Somebody())

    @web_ui.app.route("/enter")
    def enter():
        login_user(Somebody())
        return redirect("/")
"""
OURS = ("", "live", "runs", "plan?profile=smoke", "static/run.js", "plotly.js", "comparison?run=1", "runs/1.json")

LOCUST_PLUGINS = "locust-plugins==5.0.3"


class NotFollowed(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def test_our_pages_need_the_login_and_work_with_the_class_picker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = unused_port()
    options = ("--web-host", "127.0.0.1", "--web-port", str(port), "--web-login", "--class-picker")
    monkeypatch.setattr(urllib.request, "_opener", urllib.request.build_opener())
    with running_locust(tmp_path, *options, profile=None, locustfile=WITH_LOGIN):
        web = WebUI(port)
        eventually(web.is_there)
        stranger = urllib.request.build_opener(NotFollowed)
        for path in OURS:
            with pytest.raises(urllib.error.HTTPError) as caught:
                stranger.open(f"http://127.0.0.1:{port}/softphone/{path}")
            assert caught.value.code == 302
            assert "/login" in caught.value.headers["Location"]
            caught.value.close()
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        urllib.request.install_opener(urllib.request.build_opener(cookies))
        web.get("/enter")

        chosen = {"softphone_profile": "smoke", "user_classes": "Softphone"}
        assert "choose Shape as the shape class" in web.answer(shape_class="Default", **chosen)["message"]
        all_users = web.answer(shape_class="Shape", softphone_profile="smoke")
        assert all_users["message"] == '"Another": not a softphone, and Shape is for softphones only'
        web.post(shape_class="Shape", **chosen)
        eventually(lambda: web.live()["run"] is not None and web.live()["phase"] == "idle")
    (record,) = records(tmp_path)
    assert record["verdict"] == "passed"


@pytest.fixture
def beside(tmp_path: Path) -> dict[str, str]:
    """Environment variables for a Locust with locust-plugins, which is installed for this test only: every Locust
    imports it where it is installed."""
    folder = tmp_path / "beside"
    install = ("-m", "pip", "install", "-q", "--no-deps", "--retries", "1", "--timeout", "10", "--target", str(folder))
    pip = subprocess.run([sys.executable, *install, LOCUST_PLUGINS], capture_output=True, text=True, check=False)
    if pip.returncode:
        pytest.skip(f"no {LOCUST_PLUGINS}: pip cannot install it here ({pip.stderr.strip().splitlines()[-1]})")
    return {"PYTHONPATH": os.pathsep.join((str(PACKAGES), str(folder)))}


def test_it_works_with_locust_plugins_installed(tmp_path: Path, beside: dict[str, str]) -> None:
    """One of its options is used, so Locust starts only if it is installed."""
    of_theirs = ("--check-fail-ratio", "0.5")
    assert run_locust(tmp_path, *of_theirs, environment=beside).record["verdict"] == "passed"

    port = unused_port()
    where = ("--web-host", "127.0.0.1", "--web-port", str(port))
    with running_locust(tmp_path, *where, *of_theirs, profile=None, environment=beside):
        web = WebUI(port)
        eventually(web.is_there)
        web.post(softphone_profile="smoke")
        eventually(lambda: web.live()["run"] is not None and web.live()["phase"] == "idle")
    assert [record["verdict"] for record in records(tmp_path)] == ["passed"] * 2
