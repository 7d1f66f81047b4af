"""What nftables in the kernel does, seen in namespaces, and what an apply makes of it."""
