"""Models on disk and in memory, pictures as they come."""
