"""What others wrote, read as a whole; and what other tools are known to get wrong."""
