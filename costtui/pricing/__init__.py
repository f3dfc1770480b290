"""What usage costs: the catalogue, the user's overrides, exact arithmetic."""
