"""What a person waits for: start-up, and loading and checking a long policy."""
