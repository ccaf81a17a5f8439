"""From a handler string to the object it names.

It has Lambda's form "package.module.attribute"; or "module:attribute.attribute", where the last dot would split it in the wrong
place; or "module.factory()", a factory that is called once.
"""

from __future__ import annotations

import sys

from .fault import Fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def load_app(handler: str) -> Any:
    """Import the object that a handler string names. Raise Fault in AWS's words, or whatever the app's own code raises."""
    module_name, separator, attribute = handler.partition(":") if ":" in handler else handler.rpartition(".")
    if not separator:
        problem = "not enough values to unpack (expected 2, got 1)"
        raise Fault("Runtime.MalformedHandlerName", f"Bad handler '{handler}': {problem}")
    if module_name.split(".")[0] in sys.builtin_module_names:
        text = f"Cannot use built-in module {module_name} as a handler module"
        raise Fault("Runtime.BuiltInModuleConflict", text)
    value = _import(module_name)
    name = attribute.removesuffix("()")
    try:
        for part in name.split("."):
            value = getattr(value, part)
    except AttributeError:
        missing = Fault("Runtime.HandlerNotFound", f"Handler '{attribute}' missing on module '{module_name}'")
        raise missing from None
    return value() if name != attribute else value


def _import(module_name: str) -> Any:
    dotted = module_name.replace("/", ".")
    try:
        __import__(dotted)
        return sys.modules[dotted]
    except ImportError as error:
        fault = Fault("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}")
        raise fault from None
    except SyntaxError as error:
        trace = [f'  File "{error.filename}" Line {error.lineno}\n    {error.text}']
        fault = Fault("Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}", trace)
        raise fault from None
