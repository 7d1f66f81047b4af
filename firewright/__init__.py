"""Firewright: firewall policy in, exact answers out."""

__version__ = "0.5.0"
