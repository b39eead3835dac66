"""The web UI: our pages under ``/softphone``, and what we add to Locust's own pages.

    pages.py            the routes, behind Locust's login if that is on
    form.py             checks the form that starts a run
    live.py             what a profile will do, and the metrics of the current run
    openmetrics_page.py the metrics of the current run, for Prometheus
    finished_runs.py    the runs of the runs folder
    origins.py          refuses requests that other sites caused
    form_problems.py    problems in words of the form
    locust_page.py      additions to Locust's own pages

The process that serves a page also makes the load, or is its master: slow work is refused during a run.
"""
