"""One module per subject; each has a `router` whose routes declare their access."""
