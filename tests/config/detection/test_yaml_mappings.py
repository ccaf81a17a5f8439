"""The part of YAML that other tools' files need."""

from __future__ import annotations

import pytest

from lambent.config.detection.yaml_mappings import entries_at, mapping_at, read_mappings, text_at, texts_at, with_own_values

BLOCK = """\
functions:
  one:
    names:
      - a
      - 'b, c' # said
    events:
    - http: GET /a
    - http:
        path: b
"""
FLOW = """\
functions: {one: {names: [a, 'b, c'], events: [
  {http: GET /a}, # the first
  {http: {path: b}}]}}
"""
JSON = '{"functions": {"one": {"names": ["a", "b, c"],\n "events": [{"http": "GET /a"}, {"http": {"path":"b"}}]}}}'


@pytest.mark.parametrize("text", [BLOCK, FLOW, JSON])
def test_lists_are_the_same_in_blocks_in_brackets_and_in_json(text: str) -> None:
    function = mapping_at(read_mappings(text), "functions", "one")
    assert texts_at(function, "names") == ["a", "b, c"]
    first, second = entries_at(function, "events")
    assert (text_at(first, "http"), second["http"]) == ("GET /a", {"path": "b"})


def test_a_value_of_serverless_may_stand_for_a_mapping() -> None:
    text = "custom:\n  stage: dev\n  vars: {STAGE: '${self:custom.stage}'}\nprovider:\n  environment: ${self:custom.vars}\n"
    assert mapping_at(with_own_values(read_mappings(text)), "provider", "environment") == {"STAGE": "dev"}


def test_a_bracket_that_nothing_closes_ends_with_its_own_lines() -> None:
    text = "a:\n  code: |\n    x: [\n    y: {\n      z\n  b: {c: [\n    d,\n  ]}\n"
    assert texts_at(mapping_at(read_mappings(text), "a", "b"), "c") == ["d"]


@pytest.mark.parametrize(("opening", "closing"), [('{"a": ', "}"), ("a: [", "]"), ("- {a: [", "]}"), ('{"a": ', "")])
def test_no_depth_of_brackets_ends_in_an_error(opening: str, closing: str) -> None:
    assert isinstance(read_mappings(opening * 2000 + closing * 2000), dict)
