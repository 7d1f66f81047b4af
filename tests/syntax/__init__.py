"""Tests of target languages as trees."""
