"""What the world says: services, the IANA registry, special-purpose prefixes, each row with its source and date."""
