"""What a policy says: frozen values, validated at birth, no I/O."""
