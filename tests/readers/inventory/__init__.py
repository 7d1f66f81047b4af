"""Inventories, and what is read from them."""
