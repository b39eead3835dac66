"""Runs of a profile in virtual time: the softphones of a run, against a model of the edge.

Softphone (signaling)   the state machine, retries, budget and shared backoff of a run, unchanged
virtual_dialect         what its steps do instead of sending bytes
virtual_genesys_cloud   the same for the dialect genesys-cloud
virtual_sip             the same for the dialect sip
edge_model              the edge's limits, sessions, deadlines and drops
network_model           how long a message takes
virtual_time            the clock, and which softphone acts next
young_garbage           garbage collection while millions of objects are in use
simulated_run           profile in, run record out
simulated_record        what the record of such a run says about itself
limit_examples          one policy for each kind of limit, for the table of remedies
planning/               the shortest ramp that meets a profile's expectations
"""
