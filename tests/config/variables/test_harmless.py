"""Values of example files that an app may run with in public."""

from __future__ import annotations

import pytest

from lambent.config.variables.harmless import is_harmless


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("ALGORITHM", "HS256"), ("ACCESS_TOKEN_EXPIRE_MINUTES", "30"), ("JWT_ALGORITHM", "HS256"), ("LOG_LEVEL", "info")),
        *(("DATABASE_URL", "sqlite:///./test.db"), ("USE_S3", "False"), ("API_URL", "https://api.weather.gov/v1")),
        *(("CORS_ORIGINS", "*"), ("DB_URL", "sqlite+aiosqlite:///app.db"), ("APP_NAME", "Shop API"), ("SMTP_PORT", "587")),
        *(("MAIL_SERVER", "smtp.gmail.com"), ("CACHE_DIR", "/tmp/cache"), ("ALIGN", "center"), ("TOPIC", "exchange")),
        *(("DEFAULT_USER_GROUP", "default_users"), ("PLAN", "enterprise"), ("API_URL", "https://jsonplace.typicode.com/todos")),
    ],
)
def test_harmless(name: str, value: str) -> None:
    assert is_harmless(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("API_KEY", "abcd"), ("DB_PASSWORD", "postgres"), ("SECRET", "s3"), ("CHAT_ID", "1234"), ("DB_USER", "postgres")),
        *(("MODEL", "<model>"), ("NAME", "your-name"), ("NAME", "changeme"), ("NAME", ""), ("TITLE", "my_title")),
        *(("NAME", "fill_in"), ("TITLE", "TODO")),
        *(("APP_ENV", "development"), ("APP_SETTINGS", "config.DevelopmentConfig"), ("MODE", "debug"), ("STAGE", "test")),
        *(("DATABASE_URL", "postgres://u:p@db.acme.io/x"), ("DATABASE_URL", "sqlite:////home/me/x.db"), ("DB_HOST", "db")),
        *(("REDIS_URL", "redis://redis:6379"), ("API_URL", "http://localhost:8000"), ("FRONT_URL", "http://backend:80")),
        *(("DATA_DIR", "/home/me/data"), ("DATA_DIR", "C:\\data"), ("SENDER", "me@acme.io"), ("HOST", "0.0.0.0")),
        *(("SLACK_WEBHOOK", "x1"), ("ADMIN_PW", "Tr0ub4dor"), ("SLACK_URL", "https://hooks.slack.com/services/T0/B0/x1")),
        *(("secret", "deff1952"), ("db_password", "postgres"), ("Api_Key", "abcd"), ("db_host", "db")),
    ],
)
def test_secret_placeholder_or_own_machine(name: str, value: str) -> None:
    assert not is_harmless(name, value)


def test_stage_of_a_deployed_value_is_no_sign_of_development() -> None:
    assert is_harmless("TABLE", "users-dev", deployed=True) and not is_harmless("TABLE", "users-dev")
    assert is_harmless("EXAMPLE_TABLE", "dev-Example", deployed=True) and not is_harmless("TABLE", "example")
    assert not is_harmless("API_URL", "http://localhost:8000", deployed=True)
