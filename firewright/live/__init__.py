"""The rim: the only code that touches a kernel, a process or the network of this machine."""
