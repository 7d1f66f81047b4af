"""Tests of the bundled policies."""
