"""The Locust side: the only package that imports ``locust``.

hooks.py               install(events): what happens at each of Locust's events
coordinator.py         one run after another, on a master or on a process without workers
run.py                 one run: prepare, begin, collect, judge, save
edge_under_test.py     its edge, and the edge's counters
generator_protocol.py  what makes its load: load/generator.py, or cluster/cluster_generator.py
results.py             its measurements in memory, journal and record
abort.py               ends it when an expectation can no longer hold
plan_end.py            when its plan is over
option_list.py         the options of a run: their names and help texts
locust_options.py      adds them to Locust's command line
options.py             their values, read and checked
secret_option.py       takes the client's secret out of Locust's options
user.py, shape.py      the classes that a locustfile subclasses
state.py               what this process is: a coordinator or a worker
signals.py             SIGINT, SIGTERM, SIGHUP
parent_process.py      ends this process with the one that it was started for
process_list.py        hides a secret from the process list
problems.py            why its measurements cannot be trusted
locust_help.py         Locust's help with our options
locust_report.py       our section in Locust's HTML report
workarounds.py         for problems in Locust
load/                  the softphones of one process
cluster/               a run over several workers: master and worker
web/                   our pages
"""
