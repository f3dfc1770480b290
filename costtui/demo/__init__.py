"""A simulated fleet: real HTTP endpoints and log files on loopback."""
