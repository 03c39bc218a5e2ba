"""Drawing figures: canvas, style, and labels of curves. Knows nothing of reports."""
