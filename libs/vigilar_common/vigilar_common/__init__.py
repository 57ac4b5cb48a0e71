"""Shared by all Vigilar services; see ARCHITECTURE.md for the rules between the rooms."""

__version__ = "0.1.0"
