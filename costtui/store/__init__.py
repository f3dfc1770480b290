"""The local SQLite store: the only place that knows SQL."""
