"""Every error lambent shows, in one form: what happened, where, and what to try.

    LambentError                exit 1   something in the world is not as it must be
    ├── UsageError              exit 2   the words on the command line or in the configuration
    ├── DetectionError          exit 1   no app, several apps, or an app that cannot be read
    ├── PackagingError          exit 1   dependencies, wheels, sizes, the zip
    ├── AwsError                exit 1   a refusal by AWS (or the local Lambda), translated
    ├── DeployError             exit 1   the function itself failed: carries its own traceback
    ├── LocalError              exit 1   the local Lambda: port, interpreter, state, sandbox
    └── UnconfirmedError        exit 4   deployed, but the answer could not be confirmed

Only `cli/main.py` turns these into output and an exit code (3 is kept for bugs of ours, 130 for Ctrl-C). `detail` is
shown under the three lines as it is (a function's traceback, a resolver's explanation).
"""

from __future__ import annotations


class LambentError(Exception):
    """What happened (`what`), the place it is about (`where`), and the next thing to do (`hint`)."""

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", hint: str = "", detail: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint
        self.detail = detail


class UsageError(LambentError):
    exit_code = 2


class DetectionError(LambentError):
    pass


class PackagingError(LambentError):
    pass


class AwsError(LambentError):
    """A refusal by AWS. `code` is AWS's error code, `operation` the API operation that was refused."""

    def __init__(
        self, what: str, *, code: str = "", operation: str = "", where: str = "", hint: str = "", detail: str = ""
    ) -> None:
        super().__init__(what, where=where, hint=hint, detail=detail)
        self.code = code
        self.operation = operation


class DeployError(LambentError):
    pass


class LocalError(LambentError):
    pass


class UnconfirmedError(LambentError):
    exit_code = 4
