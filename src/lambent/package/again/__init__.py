"""The build of an app again, after an edit of its own files: from the zip of the build before.

Four in five milliseconds of a rebuild go into importing what finds out again that nothing else has changed. So a build leaves
a receipt (`record.py`), and the next one with the same words looks whether all that it says still holds (`replay.py`). The
moment anything is not as expected, it is built from the beginning. `receipt.py`, `replay.py` and `skeleton.py` import hardly
anything, on purpose.
"""
