"""The collector's HTTP listener: health, metrics, and whether a budget has anything left."""
