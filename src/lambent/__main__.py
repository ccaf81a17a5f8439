"""`python -m lambent`."""

from lambent.cli.main import run

run()
