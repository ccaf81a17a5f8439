"""The questions for the values of variables that an app needs and that nothing sets."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

import click

from lambent.config.variables.refusal import MissingVariable
from lambent.deployment.secret_values import is_secret
from lambent.errors import UsageError
from lambent.events import Emit, Question
from lambent.units import listing, pronoun_for, verb_for

_FORM = re.compile(r"\b(?:VALUE|HOST|USER|PASSWORD|KEY|NAME)\b|you@|^\$\(")
"""What a form has where only the user knows the value, or where a shell would make it."""


def ask_values(missing: Sequence[MissingVariable], emit: Emit) -> dict[str, str]:
    """Return the values of variables that the user types, without those that are skipped."""
    names = [variable.name for variable in missing if variable.is_required]
    emit(Question(f"{listing(names)} {verb_for(names)}n't set, and the app can't start without {pronoun_for(names)}"))
    values = {variable.name: variable.unsent for variable in missing if variable.unsent}
    if values and not click.confirm(f"Send {listing(list(values))} from {missing[0].file}?", default=True, err=True):
        values = {}
    typed = {variable.name: _ask(variable) for variable in missing if variable.name not in values}
    return {name: value for name, value in {**values, **typed}.items() if value}


def _ask(variable: MissingVariable) -> str:
    form = "".join(shlex.split(variable.form))
    is_example = _FORM.search(form) is not None
    default = None if is_example and variable.is_required else "" if is_example else form
    example = f", such as {form}" if is_example and "://" in form else ""
    skip = "" if variable.is_required or default else ", Enter skips it"
    is_hidden = is_secret(variable.name, form) and not default
    text = f"{variable.name} ({variable.location}{example}{skip})"
    try:
        answer: str = click.prompt(text, default=default, hide_input=is_hidden, show_default=bool(default), err=True)
    except UnicodeDecodeError:
        what, hint = f"the value of {variable.name} is not UTF-8", "set the terminal's encoding to UTF-8"
        raise UsageError(what, where="your answer", hint=hint) from None
    return answer.strip()
