"""Errors that lambent shows, all in one form: what happened, where, and what to try.

    LambentError                exit 1
    ├── UsageError              exit 2   a wrong command line or configuration
    ├── DetectionError          exit 1   no app, several apps, or an app that can't be read
    ├── PackagingError          exit 1   dependencies, wheels, sizes, the zip
    ├── AwsError                exit 1   a refusal by AWS or the local Lambda, translated
    ├── DeployError             exit 1   the function failed; `detail` has its traceback
    ├── LocalError              exit 1   the local Lambda: port, interpreter, state, sandbox
    ├── UnconfirmedError        exit 4   deployed, but lambent could not confirm that the app responds
    └── CancelledError          exit 130 the user answered no

Only `cli/main.py` turns these into output and an exit code. It uses 3 for bugs in lambent and 130 for Ctrl-C.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # every command imports this module, and --help has no use for Struct
    from lambent.config.detection.app_choice import AppChoice


class LambentError(Exception):
    """An error for the user: what happened (`what`), the place it concerns (`where`) and the next thing to do (`hint`).

    `detail` is printed verbatim below those three: a function's traceback, or a resolver's explanation.
    """

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
    """No app, or several. `choices` are the apps that it names, if the user has only to choose one."""

    def __init__(
        self, what: str, *, where: str = "", hint: str = "", detail: str = "", choices: tuple[AppChoice, ...] = ()
    ) -> None:
        super().__init__(what, where=where, hint=hint, detail=detail)
        self.choices = choices


class PackagingError(LambentError):
    pass


class AwsError(LambentError):
    """A refusal by AWS. `code` is AWS's error code, and `operation` is the API operation that it refused."""

    def __init__(
        self, what: str, *, code: str = "", operation: str = "", where: str = "", hint: str = "", detail: str = ""
    ) -> None:
        super().__init__(what, where=where, hint=hint, detail=detail)
        self.code = code
        self.operation = operation


class DeployError(LambentError):
    pass


class FunctionFailedError(DeployError):
    """The function itself failed when it was invoked; `detail` has its own traceback.

    `failed_write` is what it could not write next to its code: it may work from a copy in /tmp.
    """

    def __init__(self, what: str, *, where: str = "", hint: str = "", detail: str = "", failed_write: str = "") -> None:
        super().__init__(what, where=where, hint=hint, detail=detail)
        self.failed_write = failed_write


class CommandError(DeployError):
    """A command of `lambent run` didn't run to its end. Its exit status is that of shells for such a case."""

    def __init__(self, what: str, *, where: str = "", hint: str = "", exit_code: int = 1) -> None:
        super().__init__(what, where=where, hint=hint)
        self.exit_code = exit_code


class DetachedError(DeployError):
    """Ctrl-C ended the display of something that goes on elsewhere."""

    exit_code = 130


class GrantsLostError(FunctionFailedError):
    """AWS can't decrypt the environment variables, because the function's role was deleted and created again."""


class NotDeployedError(DeployError):
    """A command is about a function that doesn't exist in this account and region."""

    def __init__(self, function: str, what: str, account: str, region: str) -> None:
        hint = "lambent deploy, or lambent status --all, which lists what is deployed there"
        super().__init__(f"{function} {what}", where=f"account {account} in {region}", hint=hint)


class OvertakenError(DeployError):
    """Another deploy of the same app won."""

    def __init__(self, function: str, what: str) -> None:
        hint = "it isn't affected by this one; to make your version live, run the same command again"
        super().__init__(f"another deploy of {function} {what}", where=function, hint=hint)


class LocalError(LambentError):
    pass


class UnconfirmedError(LambentError):
    exit_code = 4


class CancelledError(LambentError):
    """The user answered no to a question before anything was done. Shown as a plain sentence."""

    exit_code = 130

    def __init__(self) -> None:
        super().__init__("Cancelled. Nothing was changed.")
