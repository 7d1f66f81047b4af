"""Tools for whoever works on Firewright; nothing of it is installed."""
