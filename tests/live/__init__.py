"""Tests of what touches the kernel, each in namespaces of its own."""
