"""The memory of a held softphone: one page for the stack of its Python frames, whatever it has done to get there.

Each greenlet has a stack of Python frames of its own (CPython: ``push_chunk`` in pystate.c). The kernel gives it memory
by the page of 4,096 bytes, of which the first 32 are not for frames; what was once touched is kept. One more page for
each softphone was a third of its memory, and one more call in the wrong place was enough.
"""

from __future__ import annotations

import json
from pathlib import Path

from tests.edge_process import running_edge
from tests.faults.certificates import authority_file, good
from tests.swarm.locust_process import run_locust

PAGE = 4096 - 32

WATCHED = """
import json, sys
from pathlib import Path

from gevent import getcurrent
from locust import events
from locust_softphone import ProfileShape, SoftphoneUser, install

install(events)
deepest = {}
errors = []


def size(code):
    variables = {*code.co_varnames, *code.co_cellvars, *code.co_freevars}
    return 8 * (9 + len(variables) + code.co_stacksize)


def watch(frame, event, argument):
    if event == "call":
        calls = []
        while frame is not None:
            calls.append((frame.f_code.co_name, size(frame.f_code)))
            frame = frame.f_back
        if calls[-1][0] == "run_user":
            stack = [sum(size for _, size in calls), " < ".join(name for name, _ in calls)]
            deepest[getcurrent()] = max(stack, deepest.get(getcurrent(), stack))


@events.user_error.add_listener
def keep(exception, **_):
    errors.append(str(exception))


@events.quitting.add_listener
def write(**_):
    Path("seen.json").write_text(json.dumps({"stacks": sorted(deepest.values()), "errors": errors}))


class Shape(ProfileShape): ...


class Watched(SoftphoneUser):
    def on_start(self):
        sys.setprofile(watch)

    def script(self, phone):
        phone.live()
        self.wait()
        if phone.number == 3:
            raise ValueError("the script's own")
"""

PROFILE = "{name: held, users: 4, ramp: 100ms, hold: 500ms, softphone: {like: recommended}}"


def test_the_frames_of_a_held_softphone_fit_into_one_page(tmp_path: Path) -> None:
    issued = good()
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    with running_edge(tls=(tmp_path / "cert.pem", tmp_path / "key.pem")) as edge:
        options = ("--host", edge.url, "--softphone-ca", str(authority_file()))
        run = run_locust(tmp_path, *options, profile=PROFILE, locustfile=WATCHED)
    assert run.record["totals"]["answered"] == 4, run.stderr
    seen = json.loads((tmp_path / "seen.json").read_text())
    *others, fetched = seen["stacks"]
    assert len(others) == 3
    assert others[-1][0] <= PAGE, others[-1]
    assert "fetch_token" in fetched[1], "only one softphone fetches the shared token"

    (invalid,) = run.record["validity"]["reasons"]
    assert "the script of 1 softphones ended with an exception" in invalid, "and is reported as Locust reports it"
    assert seen["errors"] == ["the script's own"]
    assert run.stderr.count("ValueError: the script's own") == 1
