"""The policy language: YAML text to a policy with every name resolved, or every error with its place and a way out."""

from firewright.readers.policy_yaml.loading import load

READER = load
"""How a policy is read."""

__all__ = ["READER", "load"]
