"""Paths in tracebacks."""

from __future__ import annotations

from lambent.tracebacks import relative_frames


def test_only_paths_of_the_app_s_code_become_relative() -> None:
    trace = (
        'Traceback (most recent call last):\n  File "/var/task/shop/views.py", line 3, in index\n    open("/var/task/x")\n'
        '  File "/tmp/app/models.py", line 1\n  File "/var/lang/lib/python3.13/json/decoder.py", line 2, in decode\n'
        "ImportError: cannot import name 'View' from 'shop.views' (consider renaming '/var/task/shop/views.py' ...)\n"
        "ImportError: cannot import name 'View' from 'shop.views' (/tmp/app/shop/views.py)\n"
    )
    assert relative_frames(trace) == (
        'Traceback (most recent call last):\n  File "shop/views.py", line 3, in index\n    open("/var/task/x")\n'
        '  File "models.py", line 1\n  File "/var/lang/lib/python3.13/json/decoder.py", line 2, in decode\n'
        "ImportError: cannot import name 'View' from 'shop.views' (consider renaming 'shop/views.py' ...)\n"
        "ImportError: cannot import name 'View' from 'shop.views' (shop/views.py)\n"
    )
