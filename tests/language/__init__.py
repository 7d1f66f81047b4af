"""The decisions of the language, each held by a law or an example through the real reader."""
