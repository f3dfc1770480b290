"""The `prometheus` source: the HTTP API of Prometheus and what speaks it."""
