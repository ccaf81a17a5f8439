"""Requests the URL until it responds: waits while permissions and host names spread through AWS, then says what is wrong."""

from __future__ import annotations

import time

from lambent import events
from lambent.deployment.check_path import check_path, only_starts
from lambent.deployment.context import DeployContext
from lambent.deployment.desired import PUBLIC, PUBLIC_STATEMENTS
from lambent.deployment.fetch import Response
from lambent.deployment.polling import wait_until
from lambent.deployment.refused_host import REFUSALS
from lambent.deployment.resources.permission import missing
from lambent.deployment.version_check import CheckRequest, check
from lambent.errors import DeployError, UnconfirmedError

_FORBIDDEN_S = 10
"""How long a signed request is repeated after a 403: a caller's permissions spread within seconds, if there are any."""

_SLACK_S = 10  # on top of the function's own timeout: for the network, and to start an environment


def check_url(context: DeployContext, request: CheckRequest, alias: str) -> None:
    """Request the URL until the app responds, for a limited time, and emit Answered.

    Raises FunctionFailedError; DeployError if AWS refuses requests; UnconfirmedError if there was no response.
    """
    _UrlCheck(context, request, alias).run()


class _UrlCheck:
    def __init__(self, context: DeployContext, request: CheckRequest, alias: str) -> None:
        self._context, self._request, self._alias = context, request, alias
        self._signs = request.auth != PUBLIC
        self._response = Response(0)
        self._began = self._sent = time.monotonic()

    def run(self) -> None:
        context, request, timing = self._context, self._request, self._context.timing
        wait_until(self._answered, timing.answer_s)
        if self._response.crashed or self._is_failure:
            try:
                checked = check(context, request)
            except DeployError:
                self._report()
                raise
            if checked.missing:  # which the check of the version has reported
                self._report()
                return
            if self._response.crashed:  # the URL's previous mode may still be in effect
                wait_until(lambda: self._answered() and not self._response.crashed, timing.answer_s)
        self._report()
        if self._signs:
            self._refuse_caller()
        self._refuse()
        if self._response.status == 404 and not only_starts(request.settings):
            path = check_path(request.settings)
            hint = self._context.hint_for_no_page()
            self._context.emit(events.Warned(f"no route for {path}: the app answers 404 there", hint))

    def _answered(self) -> bool:
        """Send one request, and return whether its response is one to act on."""
        self._sent = time.monotonic()
        address = self._request.url.rstrip("/") + check_path(self._request.settings)
        headers = self._context.aws.signed(address) if self._signs else ()  # a signature is valid for minutes
        self._response = self._context.fetch(address, self._request.settings.timeout_s + _SLACK_S, headers)
        if self._signs and self._response.forbidden and self._sent - self._began > _FORBIDDEN_S:
            return True
        return not (self._response.worth_retrying or (self._request.strict and self._response.raw))

    @property
    def _is_failure(self) -> bool:
        """Whether the status, with the body that it may need, looks as if the app failed: another check will tell."""
        return self._response.status >= 500 or self._response.status in REFUSALS

    def _report(self) -> None:
        response = self._response
        from_aws = response.forbidden or response.unknown_url or (self._signs and response.bad_signature)
        if response.status and not from_aws:
            self._context.emit(events.Answered(self._request.url, response.status, time.monotonic() - self._sent))

    def _refuse_caller(self) -> None:
        """The URL accepts signed requests only, and ours was refused: that says nothing about the function."""
        url = self._request.url
        if self._response.bad_signature:
            what = "AWS rejected the signature of our request to the URL, so lambent could not confirm that the app responds"
            raise UnconfirmedError(what, where=url, hint="check this machine's clock, and whether the credentials are valid")
        if self._response.forbidden:
            caller = self._context.aws.caller()
            what = f"{caller} may not call the URL, so lambent could not confirm that the app responds"
            actions = " and ".join(statement.action for statement in PUBLIC_STATEMENTS)
            hint = f"allow it {actions} on this function, or run this as someone who has these permissions"
            raise UnconfirmedError(what, where=url, hint=hint)

    def _refuse(self) -> None:
        response, url = self._response, self._request.url
        after = f"after {self._context.timing.answer_s:.0f} s"
        if response.forbidden:
            statements = missing(self._context.aws.statements(self._request.function, self._alias), PUBLIC_STATEMENTS)
            names = " and ".join(f"permission {statement.sid} ({statement.action})" for statement in statements)
            if names:
                raise DeployError(
                    f"AWS refuses the URL (403): {names} is missing", where=url, hint="run the same command again"
                )
            hint = "an organisation's policy may forbid public URLs: ask its administrator, or use --auth iam"
            raise DeployError(f"AWS still refuses the URL (403) {after}", where=url, hint=hint)
        if response.unknown_url:
            what = f"AWS doesn't know the URL {after}"
            raise UnconfirmedError(what, where=url, hint="wait a minute and run the same command again")
        if self._request.strict and response.raw:
            what = "the URL shows the function's response as raw JSON: its InvokeMode doesn't fit the app"
            raise UnconfirmedError(what, where=url, hint="run the same command again")
        if response.status == 0:
            what = f"everything is deployed, but there was no response from the URL: {response.failure}"
            hint = "try curl from another machine, or run the same command again"
            raise UnconfirmedError(what, where=url, hint=hint)
        if response.crashed or response.status >= 500:
            what = f"the URL responds with {response.status}, but the function works when it is invoked directly"
            hint = "run the same command again; if that doesn't help, read the function's log"
            raise UnconfirmedError(what, where=url, hint=hint)
