"""The commands of ``locust-softphone``: a file each, with ``add_arguments(parser)`` and ``run(parsed)``."""
