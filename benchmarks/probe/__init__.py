"""How long a probe of one machine takes, and whether every state is right, beside nmap in the same run."""
