"""The packages that error messages ask for. The texts are those of the packages named next to them."""

from __future__ import annotations

import pytest

from lambent.missing_packages import asked_package

MESSAGES = [
    ("email-validator", "ImportError: email-validator is not installed, run `pip install 'pydantic[email]'`"),
    ("python-dotenv", "ImportError: python-dotenv is not installed, run `pip install pydantic[dotenv]`"),
    ("python-multipart", "AssertionError: The `python-multipart` library must be installed to use form parsing."),  # Starlette
    ("cryptography", "RuntimeError: 'cryptography' package is required for sha256_password auth methods"),  # PyMySQL
    ("cryptography", "NotImplementedError: Algorithm 'RS256' could not be found. Do you have cryptography installed?"),  # PyJWT
    ("httpx", "RuntimeError: The starlette.testclient module requires the httpx package to be installed."),
    (
        "h2",
        "ImportError: Using http2=True, but the 'h2' package is not installed. Make sure to use `pip install httpx[http2]`.",
    ),
    ("bcrypt", "MissingBackendError: bcrypt: no backends available -- recommend you install one (e.g. 'pip install bcrypt')"),
    ("openpyxl", "ImportError: Missing optional dependency 'openpyxl'.  Use pip or conda to install openpyxl."),  # pandas
    ("redis", "limits.errors.ConfigurationError: <class 'RedisStorage'> 'redis' prerequisite not available"),
    ("redis", "RuntimeError: no redis module found"),  # Flask-Caching
    ("redis", "ImproperlyConfigured: You need to install the redis library in order to use the Redis result store."),  # Celery
    ("aiohttp", "ValueError: You must have 'aiohttp' installed to use AsyncElasticsearch"),
    ("phonenumbers", "ImproperlyConfigured: 'phonenumbers' is required to use PhoneNumberType."),  # SQLAlchemy-Utils
    ("tiktoken", "ImportError: Could not import tiktoken python package. Please install it with `pip install tiktoken`."),
    ("sentencepiece", "ImportError: \nT5Tokenizer requires the sentencepiece library but it was not found."),  # transformers
    ("jinja2", "RuntimeError: You need to install Jinja2 to use templates"),
    ("pillow", "ImportError: Pillow is not installed"),
    ("Flask-Login", "RuntimeError: Please install Flask-Login"),
    ("", "RuntimeError: Authentication is required for this page"),
    ("", "ValueError: schedule is required"),  # a field of a form
    ("", "RuntimeError: no stripe key, and missing requests in redis"),
    ("redis", "ImportError: Missing redis library (pip install redis)"),  # Kombu
    ("psycopg2-binary", "ImproperlyConfigured: please install psycopg2."),
    ("", "UserWarning: install redis for a faster cache\nRuntimeError: no luck"),
    ("", "ImproperlyConfigured: The app shop is not installed"),
]


@pytest.mark.parametrize(("package", "text"), MESSAGES)
def test_asked_package(package: str, text: str) -> None:
    assert asked_package(text) == package


@pytest.mark.parametrize("text", ["a-" * 20_000, "ValueError: missing " + "A" * 40_000])
def test_long_words_are_read_at_once(text: str) -> None:
    assert asked_package(text) == ""  # minutes, if each start of a name were tried
