"""The pages: one file a subject with `ROUTER`, and `NAV` where it stands in the header. The directory is the list."""
