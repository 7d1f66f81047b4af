"""Attacks that were tried, and what has to come of each."""
