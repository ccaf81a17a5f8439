"""Events and errors as people and machines read them."""
