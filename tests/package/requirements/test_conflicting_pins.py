"""Pins that uv's message blames for a conflict, and what to write instead."""

from __future__ import annotations

from lambent.package.requirements.conflicting_pins import find_conflicting_pins

ONE_LIMIT = """\
Because graphql-relay==2.0.1 depends on six>=1.12 and you require graphql-relay==2.0.1, you require six>=1.12.
         And because you require six==1.10.0, we can conclude that your requirements are unsatisfiable."""
SEVERAL = """\
Because requests==2.24.0 depends on one of:
             urllib3>=1.21.1,<1.25.0
             urllib3>1.25.1,<1.26
         and you require requests==2.24.0, we can conclude that you require one of:
             urllib3>=1.21.1,<1.25.0
             urllib3>1.25.1,<1.26
         And because you require urllib3==1.26.5, we can conclude that your requirements are unsatisfiable."""


def test_pin_below_a_limit() -> None:
    assert find_conflicting_pins(ONE_LIMIT) == {"six": ("six==1.10.0", "six>=1.12")}


def test_pin_in_none_of_several_ranges() -> None:
    assert find_conflicting_pins(SEVERAL) == {"urllib3": ("urllib3==1.26.5", "urllib3>1.25.1,<1.26")}


def test_no_pin_is_blamed() -> None:
    assert find_conflicting_pins("Because you require demo==1.0 and demo==2.0, your requirements are unsatisfiable.") == {}
    assert find_conflicting_pins("Because web==1.0 depends on base<2 and you require base>3, ...") == {}
