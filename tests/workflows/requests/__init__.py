"""Tests of what is done to requests."""
