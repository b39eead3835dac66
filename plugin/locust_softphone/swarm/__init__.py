"""The Locust side: the only package that imports ``locust``.

    options.py       the --softphone-… options
    hooks.py         install(events): which of Locust's events does what
    side.py          which of the two a process is: coordinator or worker
    signals.py       Ctrl-C, SIGTERM, a closed terminal: what ends in order, and when
    user.py          SoftphoneUser: a Locust user that is a softphone
    shape.py         ProfileShape: how many users exist, and when the run is over
    share.py         the softphones of this process, and what they measured
    sockets.py       their TCP sockets, which wait on gevent's event loop
    presence.py      how many of them are connected, and in a call, at each second's end
    recorder.py      their observer: our tally and Locust's statistics
    abort.py         whether an expectation can no longer hold, so that the run ends
    watch.py         whether the generator itself is late
    limits.py        whether descriptors and ports will do
    coordinator.py     starts and judges a run: on the master, or on a process alone
    run.py           one run: its edge, who serves the plan, and the record that is made of it
    measured.py      what has come in of it, in memory, journal and record
    pool.py          the workers of a run, as the master sees them
    worker.py        a worker's side of it
    fleet_token.py   one token for all workers, fetched by the master
    messages.py      what the two tell each other
    edge_process.py  the simulated edge, started and stopped for a run
    process_list.py  a secret that was given on the command line is not left there
    telemetry.py     attempts as OpenTelemetry's spans, where Locust runs with --otel
    locust_report.py our section in Locust's own HTML report
    workarounds.py   where Locust itself gets in the way
    web/             our pages under /softphone, and our part of Locust's own

Each run makes a coordinator's ``LoadGenerator`` (on a process alone) or one for each worker, and forgets it at its end.
"""
