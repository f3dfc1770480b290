"""`python -m costtui`."""

from costtui.cli.main import entry

if __name__ == "__main__":
    entry()
