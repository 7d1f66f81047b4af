"""Documents of office programs: how they are read, and what those get that are made to do harm."""
