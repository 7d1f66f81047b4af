"""How long it takes to replace a large ruleset, and what becomes of the packets meanwhile."""
