"""The API under `/api/v1`: one file a subject with `ROUTER`. The directory is the list."""
