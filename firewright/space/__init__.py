"""Sets of packets, exact, and the engine that decides questions about them."""
