"""Measurements, each against other programs in the same run."""
