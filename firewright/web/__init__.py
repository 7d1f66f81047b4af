"""The web application: pages and an API over the same policies, requests and log as the command line. Needs the extra `web`."""
