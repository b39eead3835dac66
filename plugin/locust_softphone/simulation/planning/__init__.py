"""The shortest ramp that meets the expectations of a profile, found with simulated runs."""
