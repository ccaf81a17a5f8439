"""From a handler string to the object it names.

It has Lambda's form "package.module.attribute"; or "module:attribute.attribute", where the last dot would split it in the wrong
place; or "module.factory()", a factory that is called once, perhaps with literal arguments. The first name may also be that of
a package that the module imports: "app:bottle.default_app()".
"""

from __future__ import annotations

import posix
import sys

from .environment import variable
from .fault import Fault, trace_lines

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
    module = _import(module_name)
    name, call, arguments = attribute.partition("(")
    first, *rest = name.split(".")
    try:
        value: Any = getattr(module, first) if hasattr(module, first) or not rest else sys.modules[first]
        for part in rest:
            value = getattr(value, part)
    except (AttributeError, KeyError):
        missing = Fault("Runtime.HandlerNotFound", f"Handler '{attribute}' missing on module '{module_name}'")
        raise missing from None
    if arguments in ("", ")"):
        return value() if call else value
    return _call(value, arguments)


def _call(factory: Any, arguments: str) -> Any:
    """Call a factory with literal arguments, as they stand in the handler string, with the closing parenthesis."""
    import ast

    call = ast.parse(f"f({arguments}", mode="eval").body
    assert isinstance(call, ast.Call)
    keywords = {word.arg: ast.literal_eval(word.value) for word in call.keywords if word.arg}
    return factory(*map(ast.literal_eval, call.args), **keywords)


def hidden_modules() -> list[str]:
    """Return the loaded modules that are the app's own files, although Python's standard library has modules of those names."""
    folders = (variable("LAMBDA_TASK_ROOT") + "/", posix.getcwd() + "/")  # the app may run from a copy
    names = getattr(sys, "stdlib_module_names", ())  # since 3.10
    files = {name: getattr(sys.modules.get(name), "__file__", None) or "" for name in names}
    return sorted(name for name, file in files.items() if len(file) > 1 and file.startswith(folders))


def _import(module_name: str) -> Any:
    dotted = module_name.replace("/", ".")
    try:
        __import__(dotted)
        return sys.modules[dotted]
    except ImportError as error:
        text = f"Unable to import module '{module_name}': {error}"
        fault = Fault("Runtime.ImportModuleError", text, trace_lines(error))
        raise fault from None
    except SyntaxError as error:
        trace = [f'  File "{error.filename}" Line {error.lineno}\n    {error.text}']
        fault = Fault("Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}", trace)
        raise fault from None
