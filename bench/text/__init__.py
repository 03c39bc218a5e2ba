"""Foreign text, made harmless for terminals and file formats."""
