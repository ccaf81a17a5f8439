"""Events to eyes."""
