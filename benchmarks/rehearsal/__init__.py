"""What a rehearsal takes, and what it finds: packets a second, the time to a verdict, and the faults that witnesses see."""
