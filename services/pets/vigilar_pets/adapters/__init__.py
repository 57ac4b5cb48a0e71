"""Files, keys and the model of the pets service."""
