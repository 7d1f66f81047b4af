"""Target languages as trees, and their rendering: a ruleset is built as values and said once, at the edge."""
