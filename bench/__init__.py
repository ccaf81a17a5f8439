"""Speed, measured: the runtime in the zip against AWS's own client and the usual adapters. `scripts/bench runtime` runs it.

Nothing here is shipped. The tests never look at a time; claims about speed come from here and nowhere else.
"""
