"""The script that starts the process when bundle.py can't. Kept small: Python never caches a script's bytecode."""

import sys

if __name__ == "__main__":
    folder = __file__.rpartition("/")[0]
    root, _, package = folder.rpartition("/")
    # Python put the script's own folder first. If it stayed, an app's `import response` would find ours.
    sys.path[:] = [root, *[entry for entry in sys.path if entry and entry != folder]]
    __import__(package + ".interpreter_setup", fromlist=["*"]).run(folder)
