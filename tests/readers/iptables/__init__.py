"""Tests of the iptables-save reader."""
