"""Speed, measured: the runtime in the zip (`scripts/bench runtime`) and packaging (`scripts/bench package`) against peers.

Nothing here is shipped. The tests never look at a time; claims about speed come from here and nowhere else.
"""
