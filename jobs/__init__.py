"""What runs, when, with which configuration: where the world meets the archive."""

__version__ = "0.1.0"
