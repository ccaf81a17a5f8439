"""What a deploy works with: AWS, somebody who listens, patience, and a way to ask a URL."""

from __future__ import annotations

from dataclasses import dataclass, field

from lambent.aws.interface import Aws
from lambent.deploy.probe import Ask, ask
from lambent.events import Emit


@dataclass(frozen=True)
class Patience:
    """How long to wait for AWS, in seconds: a new role to be usable, a change to settle, a new URL to answer."""

    role_s: float = 60
    settle_s: float = 300
    answer_s: float = 60


@dataclass(frozen=True)
class Means:
    aws: Aws
    emit: Emit
    patience: Patience = field(default_factory=Patience)
    ask: Ask = ask
