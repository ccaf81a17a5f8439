"""A Ctrl-C that arrives where Python ignores exceptions is neither lost nor printed."""

from __future__ import annotations

import subprocess
import sys

import pytest

FINALIZER = """
class Request:
    def __del__(self): signal.raise_signal(signal.SIGINT)
def run():
    Request()
"""
TWICE = (
    FINALIZER
    + """
start = threading.Thread.start
def interrupt_once(thread):
    threading.Thread.start = start
    signal.raise_signal(signal.SIGINT)
threading.Thread.start = interrupt_once
"""
)
CALLBACK = """
from awscrt import auth, http, io
bootstrap = io.ClientBootstrap.get_or_create_static_default()
def run():
    provider = auth.AwsCredentialsProvider.new_static("key", "secret")
    future = provider.get_credentials()
    future.result()
    signed = auth.aws_sign_request(
        http.HttpRequest("GET", "/", http.HttpHeaders([("host", "localhost")])),
        auth.AwsSigningConfig(
            algorithm=auth.AwsSigningAlgorithm.V4, signature_type=auth.AwsSignatureType.HTTP_REQUEST_HEADERS,
            credentials_provider=provider, region="eu-west-1", service="sts",
            should_sign_header=lambda name, *_: signal.raise_signal(signal.SIGINT) or True,
        ),
    )
    signed.result()
"""
PROGRAM = """
import signal, threading
from lambent.cli.interrupts import keep_interrupts
{run}
keep_interrupts()
try:
    run()
    threading.Event().wait(60)
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize("run", [FINALIZER, TWICE, CALLBACK], ids=["finalizer", "twice", "awscrt"])
def test_interrupt_is_delivered_again_without_a_traceback(run: str) -> None:
    program = subprocess.run([sys.executable, "-c", PROGRAM.format(run=run)], capture_output=True, text=True, timeout=50)
    assert (program.stdout, program.stderr) == ("interrupted\n", "")


def test_other_ignored_exceptions_are_printed_as_usual() -> None:
    run = FINALIZER.replace("signal.raise_signal(signal.SIGINT)", "raise ValueError('broken')")
    run += "    raise KeyboardInterrupt\n"
    program = subprocess.run([sys.executable, "-c", PROGRAM.format(run=run)], capture_output=True, text=True, timeout=50)
    assert program.stdout == "interrupted\n" and "ValueError: broken" in program.stderr
