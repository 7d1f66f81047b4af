"""Questions about policies: pure functions."""
