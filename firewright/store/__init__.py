"""What is remembered: requests, accounts, and the log of every act, in SQLite or PostgreSQL."""
