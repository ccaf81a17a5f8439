"""The states of a runtime process as AWS's Runtime API sees them. Pure: the table is the machine.

Names and error texts as in aws/aws-lambda-runtime-interface-emulator, `internal/lambda/core/states.go`. A runtime sees them
in error responses.
"""

from __future__ import annotations

from enum import Enum


class State(Enum):
    STARTED = "Started"
    INIT_ERROR = "InitError"
    READY = "Ready"
    RUNNING = "Running"
    RESPONDING = "InvocationResponse"
    RESPONDED = "RuntimeResponseSent"


class Step(Enum):
    """A call of the runtime, or an event sent to it. The value is the state that the step leads to, in AWS's words."""

    NEXT = "Ready"
    EVENT = "Running"
    RESPONSE = "InvocationResponse"
    STREAM = "InvocationResponse, streaming"  # the response begins; SENT ends it
    SENT = "RuntimeResponseSent"
    ERROR = "InvocationErrorResponse"
    INIT_ERROR = "InitError"


TRANSITIONS: dict[tuple[State, Step], State] = {
    (State.STARTED, Step.NEXT): State.READY,
    (State.STARTED, Step.INIT_ERROR): State.INIT_ERROR,
    (State.READY, Step.NEXT): State.READY,  # asked again on a new connection, after the first was closed
    (State.READY, Step.EVENT): State.RUNNING,
    (State.RUNNING, Step.RESPONSE): State.RESPONDED,
    (State.RUNNING, Step.ERROR): State.RESPONDED,
    (State.RUNNING, Step.STREAM): State.RESPONDING,
    (State.RESPONDING, Step.SENT): State.RESPONDED,
    (State.RESPONDED, Step.NEXT): State.READY,
}


class IllegalTransition(Exception):
    """The message is AWS's sentence."""


def next_state(state: State, step: Step) -> State:
    """Return the state that follows. Raises IllegalTransition."""
    following = TRANSITIONS.get((state, step))
    if following is None:
        raise IllegalTransition(refused(state, step))
    return following


def refused(state: State, step: Step) -> str:
    """Return AWS's sentence for a step that is not allowed."""
    return f"State transition from {state.value} to {step.value} failed for runtime. Error: State transition is not allowed"
