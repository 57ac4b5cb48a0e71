"""Files and the world outside."""
