"""AWS's error codes that lambent tells apart."""

from __future__ import annotations

CONFLICT = "ResourceConflictException"
PRECONDITION = "PreconditionFailedException"
ROLE_EXISTS = "EntityAlreadyExists"
ROLE_IN_USE = "DeleteConflict"
LOG_GROUP_EXISTS = "ResourceAlreadyExistsException"
INVALID = "InvalidParameterValueException"
DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
ABSENT = frozenset({"ResourceNotFoundException", "NoSuchEntity", "NoSuchEntityException", "NoSuchBucket", "NoSuchKey", "404"})
SAMPLED = "Sampled"
"""lambent's own: Live Tail leaves out some of more than 500 events in a second."""
