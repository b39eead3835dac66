"""The Locust side: the only package that imports ``locust``.

    options.py       the --softphone-… options
    hooks.py         install(events): which of Locust's events does what
    side.py          which of the two a process is: conductor or member
    user.py          SoftphoneUser: a Locust user that is a softphone
    shape.py         ProfileShape: how many users exist, and when the run is over
    share.py         the softphones of this process, and what they measured
    recorder.py      their observer: our tally and Locust's statistics
    abort.py         whether an expectation can no longer hold, so that the run ends
    watch.py         whether the generator itself is late
    limits.py        whether descriptors and ports will do
    conductor.py     starts and judges a run: on the master, or on a process alone
    member.py        a worker's side of it
    messages.py      what the two tell each other
    edge_process.py  the simulated edge, started and stopped for a run
    telemetry.py     attempts as OpenTelemetry's spans, where Locust runs with --otel
    locust_report.py our section in Locust's own HTML report
    workarounds.py   where Locust itself gets in the way
    web/             our pages under /softphone, and our part of Locust's own

Each run makes a conductor's ``Share`` (on a process alone) or one for each member, and forgets it at its end.
"""
