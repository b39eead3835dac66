"""The load of one process: its softphones, what they measure, and the limits of the machine."""
