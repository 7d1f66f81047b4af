"""What compiling a policy to a kernel ruleset takes, beside other generators."""
