"""costtui: a live, exact LLM cost monitor for the terminal."""

__version__ = "0.1.0"
