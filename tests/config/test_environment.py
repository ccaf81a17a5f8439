"""Environment variables from flags, a .env file and the settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.errors import UsageError
from support.configs import load_config


def test_env_file_comes_between_flags_and_table(web_app: Path) -> None:
    (web_app / "prod.env").write_text("# mine\nexport AA='x y'\nBB=\"q\"\nCC=$HOME # no\n")
    settings = 'env_file = "prod.env"\nenv = { AA = "table", DD = "table" }'
    config = load_config(web_app, settings, env=("BB=flag",))
    assert config.environment == (("AA", "x y"), ("BB", "flag"), ("CC", "$HOME"), ("DD", "table"))
    with pytest.raises(UsageError, match=r"cannot read no\.env: No such file or directory"):
        load_config(web_app, 'env_file = "no.env"')
    (web_app / "prod.env").write_text("\ufeffAA=marked by an editor\n")
    assert ("AA", "marked by an editor") in load_config(web_app, settings).environment


def test_env_file_may_refer_to_variables_above(web_app: Path) -> None:
    text = "HOST=db\nURL=\"pg://${HOST}:${PORT:-5432}/${GONE}$HOST\"\nLITERAL='${HOST}'\n"
    (web_app / "prod.env").write_text(text)
    variables = dict(load_config(web_app, 'env_file = "prod.env"').environment)
    assert (variables["URL"], variables["LITERAL"]) == ("pg://db:5432/${GONE}$HOST", "${HOST}")


@pytest.mark.parametrize(("line", "message"), (("AA", "AA has no value"), ("CC 'se'cret", "line 2 of prod.env is")))
def test_invalid_line_of_an_env_file_is_refused(web_app: Path, line: str, message: str) -> None:
    (web_app / "prod.env").write_text(f"BB=1\n{line}\nDD=2\n")
    with pytest.raises(UsageError, match=message) as error:
        load_config(web_app, 'env_file = "prod.env"')
    assert error.value.where.endswith("prod.env:2") and "cret" not in str(vars(error.value))


def test_variables_of_a_file_that_lambda_sets_itself_are_left_out(web_app: Path) -> None:
    (web_app / ".env").write_text("KEY=1\nAWS_ACCESS_KEY_ID=a\nAWS_REGION=b\n")
    config = load_config(web_app, env_file=str(web_app / ".env"))
    assert dict(config.environment) == {"KEY": "1"}
    assert "AWS_ACCESS_KEY_ID and AWS_REGION aren't sent: Lambda sets them itself" in config.app.remarks[-1]
