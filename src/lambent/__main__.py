"""`python -m lambent` and the console script. So small that Ctrl-C during the imports is caught too."""

import os

try:
    from lambent.cli.main import run
except KeyboardInterrupt:
    os._exit(130)

if __name__ == "__main__":
    run()
