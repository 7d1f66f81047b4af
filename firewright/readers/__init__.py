"""Text to policy: one file a format."""
