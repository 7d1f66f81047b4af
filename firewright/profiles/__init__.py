"""Policies to start from: a folder each, with `profile.yaml` that says what it is, its policies, and tests that document them."""
