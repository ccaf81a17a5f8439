"""`python -m lambent`, and the console script: so small that Ctrl-C during the imports is met too."""

import gc
import os
import sys


def run() -> None:
    try:
        if sys.argv[1:2] == ["build"]:
            from lambent.cli.again import build_again  # a twentieth of what the next line imports

            if build_again(sys.argv[2:]):
                return
            gc.set_threshold(100_000)  # a build ends soon, and leaves little to be collected
        from lambent.cli.main import run as run_command_line  # here, so that an interrupt while it loads is caught
    except KeyboardInterrupt:
        os._exit(130)
    run_command_line()


if __name__ == "__main__":
    run()
