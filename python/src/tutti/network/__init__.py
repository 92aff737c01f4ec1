"""The network side of a node, in a process of its own: what its handlers do to the interpreter does not touch it."""
