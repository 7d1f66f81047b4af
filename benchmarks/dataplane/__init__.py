"""What a ruleset costs a packet in the kernel: forwarding rates of shapes and of compiled policies, side by side."""
