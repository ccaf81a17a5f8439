"""`python -m lambent`, and the console script: so small that Ctrl-C during the imports is met too."""

import os


def run() -> None:
    try:
        from lambent.cli.main import run as run_command_line  # here, so that an interrupt while it loads is caught
    except KeyboardInterrupt:
        os._exit(130)
    run_command_line()


if __name__ == "__main__":
    run()
