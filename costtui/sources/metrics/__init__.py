"""The `metrics` source: a Prometheus exposition page, read with exact counter rules."""
