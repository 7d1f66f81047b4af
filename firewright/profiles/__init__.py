"""Policies to start from: a folder each, with `profile.yaml` that says what it is, its policies, and tests that document them.

`profile.yaml` has a title, `about` in one sentence, the `main` file to begin with, and all `files`. It is data:
`workflows/init.py` reads it.
"""
