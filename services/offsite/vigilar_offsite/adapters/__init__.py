"""The recordings on disk, and the targets elsewhere."""
