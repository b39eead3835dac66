"""The design of a probe: which requests to send to an unknown limit, so that they show its kind and its size.

    probe_target.py     what is probed: an interface with its own clock (virtual in tests, sockets in the command)
    probe_budget.py     the most requests, refusals and seconds that a probe may spend
    paces.py            when to send the next request, from the answers so far
    plans.py            requests that separate kinds of limit that are hard to distinguish
    models.py           how large a limit is about, and a model of it that has seen the same requests
    measurements.py     requests that narrow the bounds of a limit whose kind is known
    finding.py          what a probe found out
    experiment.py       the sequence: find the edge of the limit, follow it, separate the kinds that are left
    key_experiment.py   what the limit counts by: uses it up, and asks with a second token or address
    virtual_target.py   a target in virtual time, for a rehearsal and for tests

All of it is pure: no sockets, no clock, no randomness.
"""
