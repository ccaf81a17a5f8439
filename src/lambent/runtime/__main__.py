"""Where the process starts. Kept small: a script's bytecode is never cached."""

import sys

if __name__ == "__main__":
    folder = __file__.rpartition("/")[0]
    root, _, package = folder.rpartition("/")
    sys.path.insert(0, root)
    __import__(package + ".startup", fromlist=["*"]).prepare(folder, root)
    __import__(package + ".loop", fromlist=["*"]).run()
