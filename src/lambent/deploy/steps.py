"""The steps a plan is made of: frozen values, one per call to AWS (or one question to the new version).

`title` is what a person reads while it runs; `changes` is false for the steps that only look. What AWS invents on the way
(the version's number, the URL) is not in here: `apply.py` carries it from the step that gets it to the steps after.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lambent.aws.interface import BUFFERED, Code, Pairs, Settings, Statement


@dataclass(frozen=True)
class Step:
    changes: ClassVar[bool] = True

    @property
    def title(self) -> str:
        raise NotImplementedError


@dataclass(frozen=True)
class CreateRole(Step):
    role: str
    tags: Pairs

    @property
    def title(self) -> str:
        return f"create role {self.role}"


@dataclass(frozen=True)
class TrustLambda(Step):
    role: str

    @property
    def title(self) -> str:
        return f"let Lambda assume role {self.role}"


@dataclass(frozen=True)
class AttachPolicy(Step):
    role: str
    arn: str

    @property
    def title(self) -> str:
        return f"attach {self.arn.rpartition('/')[2]}"


@dataclass(frozen=True)
class CreateFunction(Step):
    name: str
    settings: Settings
    code: Code
    tags: Pairs

    @property
    def title(self) -> str:
        return f"create function {self.name}"


@dataclass(frozen=True)
class UpdateCode(Step):
    name: str
    code: Code

    @property
    def title(self) -> str:
        return "upload code"


@dataclass(frozen=True)
class UpdateSettings(Step):
    name: str
    settings: Settings

    @property
    def title(self) -> str:
        return "update configuration"


@dataclass(frozen=True)
class PublishVersion(Step):
    """Publishes $LATEST, provided that it is what the plan meant: another deploy may have written to it meanwhile."""

    name: str
    settings: Settings
    code: Code

    @property
    def title(self) -> str:
        return "publish version"


@dataclass(frozen=True)
class CheckVersion(Step):
    """Asks the new version once, before any traffic. `strict`: an answer of 5xx counts as a failure too (a web app's), and so
    does one in another form than that of the URL's `mode`.
    """

    changes: ClassVar[bool] = False
    name: str
    settings: Settings
    strict: bool
    mode: str = BUFFERED

    @property
    def title(self) -> str:
        return "check version"


@dataclass(frozen=True)
class PointAlias(Step):
    """Makes or moves the alias. `previous` and `revision` are what it was when looked at; "" when there was none."""

    name: str
    alias: str
    previous: str = ""
    revision: str = ""

    @property
    def title(self) -> str:
        return f"point {self.alias} at the version"


@dataclass(frozen=True)
class Grant(Step):
    """Adds one statement to the alias's policy; `replace` when another one has its id."""

    name: str
    alias: str
    statement: Statement
    replace: bool = False

    @property
    def title(self) -> str:
        return f"allow {self.statement.action.removeprefix('lambda:')} through the URL"


@dataclass(frozen=True)
class CreateUrl(Step):
    name: str
    alias: str
    auth: str
    mode: str = BUFFERED

    @property
    def title(self) -> str:
        return "create URL"


@dataclass(frozen=True)
class UpdateUrl(Step):
    """Changes what is not ""."""

    name: str
    alias: str
    auth: str = ""
    mode: str = ""

    @property
    def title(self) -> str:
        return f"set the URL to {self.mode}" if self.mode else "update URL"


@dataclass(frozen=True)
class Probe(Step):
    """Asks the URL as anybody would."""

    changes: ClassVar[bool] = False
    name: str
    alias: str
    settings: Settings
    strict: bool
    mode: str = BUFFERED

    @property
    def title(self) -> str:
        return "ask the URL"
