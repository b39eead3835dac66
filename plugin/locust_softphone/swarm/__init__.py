"""The Locust side: the only package that imports ``locust``.

options.py     the --softphone-… options
hooks.py       install(events): which of Locust's events does what
user.py        SoftphoneUser: a Locust user that is a softphone
shape.py       ProfileShape: how many users exist, and when the run is over
share.py       the softphones of this process, and what they measured
conductor.py   starts and judges a run: on the master, or on a process alone
messages.py    what master and workers tell each other
recorder.py    the softphones' observer: our tally and Locust's statistics
edge_process.py  the simulated edge, started and stopped for a run
workarounds.py   where Locust itself gets in the way
"""
