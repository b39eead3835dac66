"""The web UI: Locust's own with our figures in it, and pages of ours under ``/softphone`` on the same server.

    pages.py        what is served, behind Locust's login where that is on
    form.py         what may start a run
    plan.py         what a profile will do
    live.py         the figures of a run while it is on
    runs.py         the runs that are over
    locust_page.py  what is added to Locust's own pages

A page is asked for in the process that makes the load, or is its master: what would take long is not done during a run.
"""
