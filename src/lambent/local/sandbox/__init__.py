"""Where functions run: in namespaces on Linux, in a plain process elsewhere."""
