"""What a model is, what its numbers mean, and whose turn it is: no I/O."""
