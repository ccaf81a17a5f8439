"""Where the process starts, if not by bundle.py. Kept small: a script's bytecode is never cached."""

import sys

if __name__ == "__main__":
    folder = __file__.rpartition("/")[0]
    root, _, package = folder.rpartition("/")
    # Python put the script's own folder first; left there, an app's `import reply` would find ours.
    sys.path[:] = [root, *[entry for entry in sys.path if entry and entry != folder]]
    __import__(package + ".startup", fromlist=["*"]).run(folder)
