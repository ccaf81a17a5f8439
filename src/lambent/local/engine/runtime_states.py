"""The states of a runtime process as AWS's Runtime API sees them. Pure: the table is the machine.

Names and refusals as in aws/aws-lambda-runtime-interface-emulator, `internal/lambda/core/states.go`: they are part of
the error text that a runtime gets.
"""

from __future__ import annotations

from enum import Enum


class State(Enum):
    STARTED = "Started"
    INIT_ERROR = "InitError"
    READY = "Ready"
    RUNNING = "Running"
    RESPONDING = "InvocationResponse"
    ANSWERED = "RuntimeResponseSent"


class Step(Enum):
    """What happens: calls of the runtime, and an event handed to it. The value is the state that the call asks for."""

    NEXT = "Ready"
    EVENT = "Running"
    RESPONSE = "InvocationResponse"
    STREAM = "InvocationResponse, streaming"  # it has begun; SENT ends it
    SENT = "RuntimeResponseSent"
    ERROR = "InvocationErrorResponse"
    INIT_ERROR = "InitError"


TABLE: dict[tuple[State, Step], State] = {
    (State.STARTED, Step.NEXT): State.READY,
    (State.STARTED, Step.INIT_ERROR): State.INIT_ERROR,
    (State.READY, Step.NEXT): State.READY,  # asked again on a new connection
    (State.READY, Step.EVENT): State.RUNNING,
    (State.RUNNING, Step.RESPONSE): State.ANSWERED,
    (State.RUNNING, Step.ERROR): State.ANSWERED,
    (State.RUNNING, Step.STREAM): State.RESPONDING,
    (State.RESPONDING, Step.SENT): State.ANSWERED,
    (State.ANSWERED, Step.NEXT): State.READY,
}


class IllegalStep(Exception):
    """Holds AWS's sentence."""


def after(state: State, step: Step) -> State:
    """The state that follows. Raises IllegalStep."""
    following = TABLE.get((state, step))
    if following is None:
        raise IllegalStep(
            f"State transition from {state.value} to {step.value} failed for runtime. Error: State transition is not allowed"
        )
    return following
