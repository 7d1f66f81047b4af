"""Tests of the audits, a page each."""
