"""A static scan of a module: which of its names are apps, without importing it.

The scan follows the top level of the module: assignments, imports, definitions, both branches of `if` and `try`. It only
tracks what a value is to a web server ("asgi", "wsgi", "handler"); everything else is unknown. Names imported from other
modules of the project are followed through `look_up`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from lambent.config.detection import frameworks as fw
from lambent.config.detection.expression_scan import Function, LookUp, first_app
from lambent.config.detection.framework_lookup import from_framework, held_attribute, is_visible
from lambent.config.detection.scanned import GUARDED, UNKNOWN, HiddenApp, Value
from lambent.config.detection.server_scan import Follow, ServerScan
from lambent.config.detection.unsupported import ASYNC_HANDLER

_BOTTLE_ROUTES = ("route", "get", "post", "put", "delete", "patch", "error")
_HUG_ROUTES = ("get", "post", "put", "delete", "patch", "options", "head", "http", "call", "get_post", "extend_api")
_EVENT, _CONTEXT = re.compile(r"_*(event|evt)"), re.compile(r"_*(context|ctx)|_+c?")


class ModuleScan(ServerScan):
    """The scan of the statements of one module, or of the body of a function inside the scan `outer`."""

    def __init__(self, module: str, package: str, look_up: LookUp, follow: Follow, outer: ModuleScan | None = None) -> None:
        super().__init__(module, package, look_up, follow, outer)
        self.has_bottle_routes = False
        self.has_hug_routes = False

    def run(self, body: Iterable[ast.stmt], conditional: bool = False) -> None:
        """Scan statements in order. `conditional` means that they may not be executed."""
        for statement in body:
            self._statement(statement, conditional)
            if not conditional:
                self._note_server_starts([statement])

    def scan_inside(self, body: Iterable[ast.stmt]) -> ModuleScan:
        inner = ModuleScan(self._module, self._package, self._look_up, self._follow, outer=self)
        inner.run(body)
        return inner

    def takes_event(self, name: str) -> bool:
        """Return whether a name is a plain function of two parameters, or one of a Chalice app. It is a handler then."""
        node = self._functions.get(name)
        for decorator in node.decorator_list if node else ():
            owner = getattr(getattr(decorator, "func", decorator), "value", decorator)  # `app` of @app.schedule(...)
            if self._value(owner).kind == "handler":
                return True
        return isinstance(node, ast.FunctionDef) and len(_required_names(node.args)) <= 2 <= len(_parameters(node.args))

    def request_functions(self) -> Iterator[str]:
        """Yield the plain functions of a request, as Google Cloud Functions are: def hello(request)."""
        for name, node in self._functions.items():
            is_plain = all("functions_framework" in ast.unparse(decorator) for decorator in node.decorator_list)
            if is_plain and isinstance(node, ast.FunctionDef) and _parameters(node.args) in (["request"], ["req"]):
                yield name

    def hidden_apps(self) -> Iterator[HiddenApp]:
        """Yield the apps that are only made when the module is run as a program, or inside a function."""
        for guard in self.guarded:
            yield from self._hidden_in(guard.body, GUARDED)
        for name, function in self._functions.items():
            if ":" not in self.names.get(name, UNKNOWN).kind:
                returned, parameters = self._returned(function), _required_names(function.args)
                if parameters and returned.kind in ("asgi", "wsgi", "web"):
                    yield HiddenApp("app", function.lineno, f"only inside {name}()", factory=name, parameters=parameters)
                    continue
                holder = None if parameters or not is_visible(returned) else returned.holder
                remedy = f"app = {held_attribute(f'{name}()', holder)}" if holder else ""
                yield from self._hidden_in(function.body, f"only inside {name}()", remedy)

    def unsupported_expression(self) -> str:
        """Return what makes the object without a name that can't run on Lambda: `gr.Interface(...)`, `build()`. Or ""."""
        launched = (start.text.rpartition(".launch(")[0] for start in self.server_starts)
        factories = (
            f"{name}()"
            for name, function in self._functions.items()
            if not _required_names(function.args) and self._returned(function).unsupported
        )
        return next(filter(None, (*launched, *factories)), "")

    def _hidden_in(self, body: list[ast.stmt], scope: str, remedy: str = "") -> Iterator[HiddenApp]:
        inner = self.scan_inside(body)
        for name, value in inner.names.items():
            if (value.kind in ("asgi", "wsgi", "web", "handler") or is_visible(value)) and self.names.get(name) != value:
                yield HiddenApp(name, value.line, scope, remedy)

    def _statement(self, node: ast.stmt, conditional: bool) -> None:
        if isinstance(node, ast.Import | ast.ImportFrom):
            self._import(node, conditional)
        elif isinstance(node, Function):
            self._functions[node.name] = node
            self.has_bottle_routes |= any(self._is_bottle_route(decorator) for decorator in node.decorator_list)
            self.has_hug_routes |= any(self._is_hug_route(decorator) for decorator in node.decorator_list)
            self._bind(node.name, replace(self._function(node), line=node.lineno), conditional)
        elif isinstance(node, ast.ClassDef):
            self._bind(node.name, replace(self._class(node), line=node.lineno), conditional)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                self._assign(target, node.value, conditional)
        elif isinstance(node, ast.If):
            if not _is_false_on_import(node.test):
                self.run(node.body, True)
            else:
                self.guarded.append(node)
            self.run(node.orelse, True)
        elif isinstance(node, ast.Try):
            for part in (node.body, *(handler.body for handler in node.handlers), node.orelse, node.finalbody):
                self.run(part, True)
        elif isinstance(node, ast.With | ast.AsyncWith):
            for item in node.items:  # `with gr.Blocks() as demo:`
                if item.optional_vars is not None and self._value(item.context_expr).unsupported:
                    self._assign(item.optional_vars, item.context_expr, conditional)
            self.run(node.body, conditional)
        elif isinstance(node, ast.For | ast.While):
            self.run((*node.body, *node.orelse), True)
        elif isinstance(node, ast.Match):
            for case in node.cases:
                self.run(case.body, True)
        elif isinstance(node, ast.Expr):
            self._expression(node.value, conditional)

    def _expression(self, node: ast.expr, conditional: bool) -> None:
        value = self._value(node)
        if value.unsupported:
            self._bind(f"<{value.unsupported.reason}>", replace(value, line=node.lineno), conditional)
        for part in ast.walk(node):
            if isinstance(part, ast.NamedExpr):
                self._assign(part.target, part.value, conditional)
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in self._functions:
                self.called.add(name)
                self._bind_globals(self._functions[name], conditional)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="mount")) if name in self.names:
                outer = self.names[name]
                self.names[name] = replace(outer, wrapped=outer.wrapped | self.apps_inside(node))

    def _bind_globals(self, function: Function, conditional: bool) -> None:
        """Bind the names that a function which is called declares as global."""
        names = [name for part in ast.walk(function) if isinstance(part, ast.Global) for name in part.names]
        if names and self._depth < 3:
            inner = self.scan_inside(function.body)
            for name in names:
                self._bind(name, inner.names.get(name, UNKNOWN), conditional)

    def _is_bottle_route(self, decorator: ast.expr) -> bool:
        """Return whether a decorator adds a route to Bottle's default app."""
        dotted = self._value(decorator.func).dotted if isinstance(decorator, ast.Call) else ""
        return dotted.partition(".")[0] == "bottle" and dotted.rpartition(".")[2] in _BOTTLE_ROUTES

    def _is_hug_route(self, decorator: ast.expr) -> bool:
        dotted = self._value(decorator.func if isinstance(decorator, ast.Call) else decorator).dotted
        return dotted.partition(".")[0] == "hug" and dotted.rpartition(".")[2] in _HUG_ROUTES

    def _bind(self, name: str, value: Value, conditional: bool) -> None:
        previous = self.names.get(name)
        if conditional and not value.kind and previous is not None and (previous.kind or previous.dotted):
            return  # `except ImportError: app = None` must not hide the app
        self.names[name] = value

    def _assign(self, target: ast.expr, expression: ast.expr, conditional: bool) -> None:
        if isinstance(target, ast.Tuple) and isinstance(expression, ast.Tuple):
            for each, part in zip(target.elts, expression.elts, strict=False):
                self._assign(each, part, conditional)
            return
        if isinstance(target, ast.Tuple) and target.elts:
            target = target.elts[0]  # `app, rt = fast_app()`
        if not isinstance(target, ast.Name):
            return
        value = self._value(expression, target.id)
        is_alias = isinstance(expression, ast.Name | ast.Attribute) and value.definition
        definition = (self._module, target.id) if value.kind and not is_alias else value.definition
        self._bind(target.id, replace(value, line=target.lineno, definition=definition), conditional)

    def _import(self, node: ast.Import | ast.ImportFrom, conditional: bool) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                dotted = alias.name if alias.asname else alias.name.split(".")[0]
                self._bind(alias.asname or dotted, Value(dotted=dotted, line=node.lineno), conditional)
            return
        source = self._absolute(node)
        for alias in node.names:
            if alias.name == "*":
                self.star_imports.append(source)
                continue
            self._imported[alias.asname or alias.name] = (source, alias.name)
            value = self._look_up(source, alias.name) or Value(dotted=f"{source}.{alias.name}")
            self._bind(alias.asname or alias.name, replace(value, line=node.lineno), conditional)

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self._package.split(".") if self._package else []
        parts = parts[: len(parts) - node.level + 1]
        return ".".join([*parts, *([node.module] if node.module else [])])

    def _function(self, node: Function) -> Value:
        names = _parameters(node.args)
        definition = (self._module, node.name)
        if isinstance(node, ast.AsyncFunctionDef):
            if node.name in fw.HANDLER_NAMES and len(names) == 2 and _EVENT.fullmatch(names[0]):
                return Value(unsupported=ASYNC_HANDLER)
            is_asgi = names == ["scope", "receive", "send"] or (_is_app_by_name(node) and len(names) == 3)
            return Value("asgi", definition=definition) if is_asgi else self._unsupported_factory(node)
        if _is_wsgi(names) or (_is_app_by_name(node) and len(names) == 2 and not _EVENT.fullmatch(names[0])):
            return Value("wsgi", definition=definition)
        if node.name in fw.HANDLER_NAMES and (len(names) == 2 or node.args.vararg):
            return Value("handler", definition=definition)
        if len(names) == 2 and _EVENT.fullmatch(names[0]) and _CONTEXT.fullmatch(names[1]):
            return Value("event", definition=definition)
        if names[:1] == ["global_config"] and len(_required_names(node.args)) == 1 and self._returned(node).kind == "wsgi":
            return Value("factory:wsgi", call=fw.PYRAMID_CALL, definition=definition)
        if not _required_names(node.args) and all(_is_cache(decorator) for decorator in node.decorator_list):
            returned = self._returned(node)
            if returned.kind in ("asgi", "wsgi", "web"):
                return Value(f"factory:{returned.kind}", definition=definition)
            if node.name in fw.FACTORY_NAMES:
                unsupported_factory = self._unsupported_factory(node)
                return unsupported_factory if unsupported_factory.unsupported else Value("factory:web", definition=definition)
        return self._unsupported_factory(node)

    def _unsupported_factory(self, node: Function) -> Value:
        """Return why the result of a factory can't run on Lambda, as aiohttp's `async def app()` for gunicorn. Or UNKNOWN."""
        if _required_names(node.args) or node.decorator_list:
            return UNKNOWN
        reason = self._returned(node).unsupported
        return Value(unsupported=reason) if reason and "{name}" not in reason.cure else UNKNOWN

    def _returned(self, node: Function) -> Value:
        """Return what a function returns, given the names bound so far."""
        if self._depth > 3:
            return UNKNOWN
        inner = self.scan_inside(node.body)
        returns = [part.value for part in ast.walk(node) if isinstance(part, ast.Return) and part.value is not None]
        returned = first_app(*(inner._value(value, "app") for value in returns))
        annotated = from_framework(self._value(node.returns).dotted) if node.returns else None
        return annotated if annotated and returned == UNKNOWN else returned

    def _class(self, node: ast.ClassDef) -> Value:
        for base in node.bases:
            value = from_framework(self._value(base).dotted) or self._value(base)
            if value.kind:
                return Value(f"class:{value.kind.removeprefix('class:')}")
        for part in node.body:
            if isinstance(part, Function) and part.name == "__call__":
                names = _parameters(part.args)[1:]
                if isinstance(part, ast.AsyncFunctionDef) and len(names) == 3:
                    return Value("class:asgi")
                if _is_wsgi(names):
                    return Value("class:wsgi")
                return UNKNOWN
        is_plain = all(ast.unparse(base) == "object" or self._value(base).is_plain_class for base in node.bases)
        is_plain = is_plain and not node.decorator_list and not node.keywords
        return Value(is_plain_class=is_plain, members=tuple(self._members(node)))

    def _members(self, node: ast.ClassDef) -> Iterator[tuple[str, Value]]:
        """Yield the apps that an object keeps in attributes, as its `__init__` sets them."""
        inits = [part for part in node.body if isinstance(part, ast.FunctionDef) and part.name == "__init__"]
        for init in inits if self._depth < 3 else ():
            inner = self.scan_inside(init.body)
            for statement in init.body:
                match statement:
                    case ast.Assign(targets=[ast.Attribute(value=ast.Name(id="self"), attr=name)], value=expression):
                        value = inner._value(expression, name)
                        if value.kind in ("asgi", "wsgi", "web"):
                            yield name, value


def _is_wsgi(names: list[str]) -> bool:
    return names[1:2] == ["start_response"]


def _is_app_by_name(node: Function) -> bool:
    """Return whether servers take a function for the app by its name. PEP 3333 and ASGI leave the parameters' names open."""
    arguments = node.args
    is_plain = not (node.decorator_list or arguments.defaults or arguments.kwonlyargs or arguments.vararg)
    return node.name in ("app", "application") and is_plain


def _is_cache(decorator: ast.expr) -> bool:
    return ast.unparse(decorator).partition("(")[0].rpartition(".")[2] in ("cache", "lru_cache")


def _parameters(arguments: ast.arguments) -> list[str]:
    return [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]


def _required_names(arguments: ast.arguments) -> tuple[str, ...]:
    """Return the names of the parameters without a default."""
    positional = _parameters(arguments)
    positional = positional[: len(positional) - len(arguments.defaults)]
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return (*positional, *(argument.arg for argument, default in pairs if default is None))


def _is_false_on_import(test: ast.expr) -> bool:
    """Return whether a condition is false when the module is imported: `__name__ == "__main__"`, `TYPE_CHECKING`."""
    text = ast.unparse(test)
    return ("__name__" in text and "__main__" in text) or text.endswith("TYPE_CHECKING")
