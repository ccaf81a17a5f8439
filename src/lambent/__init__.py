"""lambent: an untouched Python web app to a URL that answers."""

__version__ = "0.1.0"
