"""Runs of a profile in virtual time: the softphones of a run, against a model of the edge.

Softphone (signaling)   the state machine, retries, budget and shared backoff of a run, unchanged
virtual_dialect         what its steps do instead of sending bytes
edge_model              the edge's limits, sessions, deadlines and drops
network_model           how long a message takes
virtual_time            the clock, and which softphone acts next
simulated_run           profile in, run record out
"""
