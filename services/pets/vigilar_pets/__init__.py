"""Which pet a camera saw, and what kind of wild animal."""
