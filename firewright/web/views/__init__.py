"""What pages show, as frozen values: pure functions of policies, a day and who looks; no request, no database, no HTML."""
