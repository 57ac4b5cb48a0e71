"""Decisions: what is announced, and what may be commanded."""
