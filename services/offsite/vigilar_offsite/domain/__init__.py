"""Decisions: what is sent, in which order, how fast; no I/O."""
