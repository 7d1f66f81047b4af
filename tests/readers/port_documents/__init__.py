"""Tests of documents of ports: each format, each cell, what rows mean, and that none is lost."""
