"""Decisions about animals; numpy and messages alone."""
