"""Results to bytes: one file a format."""
