"""Pictures, models, sealed files: what visitors needs of the world."""
