"""The generated part of the documentation: `python -m tools.docs` writes it, a test says when it is stale."""
