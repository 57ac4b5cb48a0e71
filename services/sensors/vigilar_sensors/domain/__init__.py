"""What messages of bridges mean; no I/O."""
