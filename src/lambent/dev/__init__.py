"""`lambent dev`: what has changed in a project, and what has to be done about it."""
