"""From a handler string to the object it names.

It has Lambda's form "package.module.attribute"; or "module:attribute.attribute", where the last dot would split it in the wrong
place; or "module.factory()", a factory that is called once, perhaps with literal arguments. The first name may also be that of
a package: "app:bottle.default_app()", "shop:pyramid.paster.get_app('production.ini')".
"module.__main__" is the app that the module would serve if it were run as a program.
"""

from __future__ import annotations

import posix
import sys

from .environment import variable
from .fault import Fault, trace_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
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
    if attribute == "__main__":
        from .program import served_app

        app, is_factory = _run(module_name, served_app)
        app = load_app(app) if isinstance(app, str) else app
        return app() if is_factory else app
    module = _run(module_name, _import)
    name, call, arguments = attribute.partition("(")
    first, *rest = name.split(".")
    try:
        if rest and not hasattr(module, first):
            _import_if_there(first)
        value: Any = getattr(module, first) if hasattr(module, first) or not rest else sys.modules[first]
        for part in rest:
            if isinstance(value, type(sys)) and not hasattr(value, part):
                _import_if_there(f"{value.__name__}.{part}")
            value = getattr(value, part)
    except (AttributeError, KeyError):
        missing = Fault("Runtime.HandlerNotFound", f"Handler '{attribute}' missing on module '{module_name}'")
        raise missing from None
    if arguments in ("", ")"):
        return value() if call else value
    return _call(value, arguments)


def load_function(name: str, setting: str) -> Any:
    """Return the function of the app that a setting names. Raise Fault in AWS's words, with the setting."""
    try:
        function = load_app(name)
    except Fault as error:
        raise Fault(error.kind, f"{error} ({setting})", error.trace) from None
    if not callable(function):
        raise Fault("Runtime.HandlerNotFound", f"{setting} is not a function but a {type(function).__name__}")
    return function


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


def _import_if_there(dotted: str) -> None:
    try:
        __import__(dotted)
    except ModuleNotFoundError as error:
        if error.name != dotted:
            raise


def _import(dotted: str) -> Any:
    __import__(dotted)
    return sys.modules[dotted]


def _run(module_name: str, run: Callable[[str], Any]) -> Any:
    """Return what a function makes of a module, with what prevents the module's import as a Fault in AWS's words."""
    try:
        return run(module_name.replace("/", "."))
    except ImportError as error:
        text = f"Unable to import module '{module_name}': {error}"
        fault = Fault("Runtime.ImportModuleError", text, trace_lines(error))
        raise fault from None
    except SyntaxError as error:
        trace = [f'  File "{error.filename}" Line {error.lineno}\n    {error.text}']
        fault = Fault("Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}", trace)
        raise fault from None
