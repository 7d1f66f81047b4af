"""Listings of sockets: those of several programs and systems, and those that are printed here of real sockets."""
