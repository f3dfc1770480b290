"""Rules over the store's totals."""
