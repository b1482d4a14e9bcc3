"""Published metrics, computed from the judge's own track, and statistics."""
