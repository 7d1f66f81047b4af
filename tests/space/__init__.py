"""Tests of packet sets."""
