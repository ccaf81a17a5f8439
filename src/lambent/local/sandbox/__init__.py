"""Where functions run: namespaces on Linux, a plain process elsewhere. See `interface.py`."""
