"""The last step: does the URL answer? Waits while AWS's permissions and names spread, then says what stands in the way."""

from __future__ import annotations

import re
import time
from urllib.parse import urlsplit

from lambent import events
from lambent.aws.values import Statement
from lambent.deploy import steps
from lambent.deploy.check import Question, check
from lambent.deploy.desired import PUBLIC, PUBLIC_STATEMENTS
from lambent.deploy.means import Means
from lambent.deploy.observed import wait_until
from lambent.deploy.probe import Answer
from lambent.deploy.statements import missing
from lambent.errors import DeployError, UnconfirmedError

_DENIED_S = 10
"""How long a signed caller is asked again after a 403: what AWS allows somebody spreads within seconds, if it is allowed."""

_SLACK_S = 10  # on top of the function's own time-out: the network, and starting an environment


def answers(means: Means, step: steps.Probe, version: str, url: str) -> None:
    """Asks until there is an answer by the app, for a bounded time; emits Answered.

    Raises FunctionFailed or, if AWS stands in the way, DeployError; UnconfirmedError if nothing could be heard.
    """
    began = start = time.monotonic()
    answer = Answer(0)
    signs = step.auth != PUBLIC

    def heard(*, crash_counts: bool = True) -> bool:
        nonlocal answer, start
        start = time.monotonic()
        headers = means.aws.signed(url) if signs else ()  # anew each time: a signature is good for minutes
        answer = means.ask(url, step.settings.timeout_s + _SLACK_S, headers)
        if signs and answer.forbidden and start - began > _DENIED_S:
            return True
        return not (answer.worth_retrying or (step.strict and answer.raw) or (answer.crashed and not crash_counts))

    def tell() -> None:
        if answer.status and not (answer.forbidden or answer.unknown or (signs and answer.missigned)):
            means.emit(events.Answered(url, answer.status, time.monotonic() - start))

    wait_until(heard, means.patience.answer_s)
    if answer.crashed or (step.strict and answer.status >= 500):
        try:
            question = Question(step.name, version, step.settings, step.strict, url, step.mode, step.auth)
            check(means.aws, question, means.patience.answer_s)
        except DeployError:
            tell()
            raise
        if answer.crashed:  # the URL's mode may still be the one of before
            wait_until(lambda: heard(crash_counts=False), means.patience.answer_s)
    tell()
    if signs:
        _refuse_caller(answer, means, url)
    _refuse(answer, means, step, url)
    if step.strict and answer.status == 400:
        _warn_of_hosts(means, step, version, url)


def _warn_of_hosts(means: Means, step: steps.Probe, version: str, url: str) -> None:
    """A 400 about the Host header, as Django and Starlette give it, is named: the app does not allow its new address."""
    asked = check(means.aws, Question(step.name, version, step.settings, False, url, auth=step.auth), means.patience.answer_s)
    if re.search(r"ALLOWED_HOSTS|[Ii]nvalid host header", asked.log + asked.payload.decode("utf-8", "replace")):
        host = urlsplit(url).hostname
        means.emit(events.Warned("the app refuses its own address (400)", f"allow the host {host} (in Django: ALLOWED_HOSTS)"))


def _refuse_caller(answer: Answer, means: Means, url: str) -> None:
    """The URL takes signed requests only, and ours was not let in: that says nothing of the function."""
    if answer.missigned:
        what = "AWS does not take the signature of our request to the URL, so the app's answer could not be confirmed"
        raise UnconfirmedError(what, where=url, hint="is this machine's clock right, and are the credentials still good?")
    if answer.forbidden:
        what = f"the URL takes signed requests only, and {means.aws.caller()} may not call it: the app's answer is unconfirmed"
        actions = " and ".join(each.action for each in PUBLIC_STATEMENTS)
        hint = f"allow it {actions} on this function, or run this as somebody who may"
        raise UnconfirmedError(what, where=url, hint=hint)


def _refuse(answer: Answer, means: Means, step: steps.Probe, url: str) -> None:
    waited = f"after {means.patience.answer_s:.0f} s"
    if answer.forbidden:
        missing = _missing(means.aws.statements(step.name, step.alias))
        what = f"AWS refuses the URL (403): {missing} is missing" if missing else f"AWS still refuses the URL (403) {waited}"
        hint = "run the same command again" if missing else "an organisation's policy may forbid public URLs; ask its keeper"
        raise DeployError(what, where=url, hint=hint)
    if answer.unknown:
        raise UnconfirmedError(f"AWS does not know the URL {waited}", where=url, hint="wait a minute and run this again")
    if step.strict and answer.raw:
        what = "the URL shows the function's answer as raw JSON: its InvokeMode is not what the app was deployed for"
        raise UnconfirmedError(what, where=url, hint="run the same command again")
    if answer.status == 0:
        what = f"everything is in place, but the URL could not be asked: {answer.failure}"
        raise UnconfirmedError(what, where=url, hint="curl it from elsewhere, or run the same command again")
    if answer.crashed or (step.strict and answer.status >= 500):
        what = f"the URL answers {answer.status}, though the function itself answers when it is asked directly"
        raise UnconfirmedError(what, where=url, hint="run the same command again; if it stays, look at the function's log")


def _missing(there: tuple[Statement, ...]) -> str:
    """Which of the two statements is not there, by its id and action."""
    return " and ".join(f"statement {wanted.sid} ({wanted.action})" for wanted in missing(there, PUBLIC_STATEMENTS))
