"""A file's ruleset as a rulebook, and its text without some of its rules: one module for each format."""
