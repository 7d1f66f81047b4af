"""The story of a managed host, with everything in it as it really is: machines, sshd, kernels; and what goes wrong."""
