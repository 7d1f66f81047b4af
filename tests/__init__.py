"""Tests of Firewright."""
