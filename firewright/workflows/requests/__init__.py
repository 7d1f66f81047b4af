"""What is asked for, what it would mean, who decides, and what becomes of it: the same for the web, the API and the command line."""
