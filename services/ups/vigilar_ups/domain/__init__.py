"""What a UPS says, and when it is time to go. No I/O."""
