"""Whose face it is, and who came when. No I/O."""
