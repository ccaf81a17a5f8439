"""Datasette, serving one read-only database."""

from pathlib import Path

from datasette.app import Datasette

app = Datasette(immutables=[str(Path(__file__).with_name("fixtures.db"))]).app()
