"""What the server does by itself from time to time: one file a duty with `DUTY`. The directory is the list."""
