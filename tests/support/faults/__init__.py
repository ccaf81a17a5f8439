"""Faults at every AWS call of a deploy, a rollback and a destroy, against the local Lambda. `scripts/faults` runs them."""
