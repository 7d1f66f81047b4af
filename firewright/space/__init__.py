"""Sets of packets: exact, for both families, over first-match lists. README.md shows the algorithm with examples."""
