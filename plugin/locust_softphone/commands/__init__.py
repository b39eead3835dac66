"""The sub-commands of ``locust-softphone``, one file each."""
