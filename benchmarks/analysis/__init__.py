"""Exact analysis of first-match lists, side by side with other engines."""
