"""The values of expressions, and what their evaluation certainly reads."""

from __future__ import annotations

import ast
import builtins
from abc import ABC, abstractmethod
from collections import ChainMap
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from lambent.config.variables import known_calls, library_reads
from lambent.config.variables.bound import NOTHING, UNKNOWN, Bound, Definition, Fails, Read, Scope
from lambent.config.variables.constants import Constants

_IMPORTERS = frozenset(("django.urls.include", "django.conf.urls.include", "importlib.import_module", "__import__"))
_ENVIRON = "os.environ"
_Comprehension = ast.GeneratorExp | ast.ListComp | ast.SetComp
_Conditions = Callable[[ast.expr, Scope], list[Bound]]


class Expressions(ABC):
    """What was read so far.

    `variables` are those that are set, with their values as `Constants` reads them. `assigned` are variables that the code
    sets itself; with `is_open` it may set any. `secret_keys` are those that hold what a framework signs with,
    and `settings_names` those with the name of an object that has the app's settings.
    """

    def __init__(self, folder: Path, variables: Mapping[str, Any]) -> None:
        self.variables = variables
        self.reads: list[Read] = []
        self.assigned: set[str] = set()
        self.secret_keys: set[str] = set()
        self.settings_names: set[str] = set()
        self.is_open = False
        self.fails: Fails = "start"
        self._folder = folder
        self._names: dict[Path, str] = {}

    @abstractmethod
    def run_module(self, path: Path) -> Scope:
        """Run a module once. Return its names."""

    @abstractmethod
    def run_definition(self, definition: Definition, arguments: dict[str, Bound]) -> Bound:
        """Call a function or a class. Return the result."""

    @abstractmethod
    def run_body(self, definition: Definition, arguments: dict[str, Bound]) -> Bound:
        """Run the body of a function up to its first `yield`, also of a coroutine. Return the result."""

    @abstractmethod
    def configure(self, settings: Bound, path: Path) -> None:
        """Take Flask's settings from a class, a module or the name of one, in a file."""

    @abstractmethod
    def find_module(self, importer: Path, dotted: str) -> Path | None:
        """Return the own file that an import leads to, or None."""

    def constant(self, node: ast.expr, scope: Scope) -> Any:
        """Return the value of an expression that depends on literals and environment variables only, or UNKNOWN."""
        return Constants(partial(self.evaluate, scope=scope), self._variable_value).evaluate(node)

    def _variable_value(self, name: str) -> Any:
        if name in self.variables:
            return self.variables[name]
        return UNKNOWN if self.is_open or name in self.assigned else None

    def need(self, bound: Bound) -> None:
        """Note that something fails if a variable isn't set."""
        if bound.variable:
            self.reads.append(Read(bound.variable, bound.location, self.fails, is_number=bound.is_number))

    def need_value(self, bound: Bound) -> None:
        """Note that something fails if a value is None."""
        if bound.is_none:
            self.need(bound)

    def sign_with(self, bound: Bound) -> None:
        """Note that a value is the framework's secret key. Requests fail if it is None: sessions need one."""
        if bound.variable:
            self.secret_keys.add(bound.variable)
        self.need_later(bound)

    def evaluate(self, node: ast.expr | None, scope: Scope) -> Bound:
        """Return the value of an expression, and note what it reads. Parts that may not be evaluated don't count."""
        match node:
            case ast.Constant(value=str(text)):
                return Bound(text=text, location=self.location(scope.path, node.lineno))
            case ast.Name(id=name):
                return scope.names.get(name, Bound(dotted=name) if hasattr(builtins, name) else NOTHING)
            case ast.Attribute():
                return self._attribute(node, scope)
            case ast.Subscript():
                return self._subscript(node, scope)
            case ast.Call():
                return self._call(node, scope)
            case ast.List() | ast.Tuple() | ast.Set():
                return Bound(items=tuple(self.evaluate(each, scope) for each in node.elts))
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
                return self._comprehension(node, scope)
            case ast.BinOp():
                return self._operation(node, scope)
            case ast.BoolOp(op=ast.Or(), values=[first, ast.Call() as alternative]) if self.is_exit(alternative, scope):
                return self._needed(self.evaluate(first, scope))
            case ast.BoolOp(op=ast.Or(), values=[first, *_, ast.Constant(value=default)]) if default:
                self._evaluate_with_default(first, scope)
            case ast.BoolOp(values=[first, *_]) | ast.IfExp(test=first):
                self.evaluate(first, scope)
            case ast.Dict():
                return self._dict(node, scope)
            case ast.DictComp(generators=[ast.comprehension(iter=ast.Call(func=ast.Attribute(value=items, attr="items")))]):
                return self.evaluate(items, scope)
            case ast.NamedExpr(target=ast.Name(id=name)):
                scope.names[name] = self.evaluate(node.value, scope)
                return scope.names[name]
            case ast.JoinedStr(values=parts):
                self._join(parts, scope)
            case ast.Await() | ast.FormattedValue() | ast.UnaryOp() | ast.Compare() | ast.Starred():
                for part in ast.iter_child_nodes(node):
                    if isinstance(part, ast.expr):
                        self.evaluate(part, scope)
        return NOTHING

    def _evaluate_with_default(self, node: ast.expr, scope: Scope) -> None:
        """Note what an expression reads, but for what may be missing: `or` gives that a default."""
        start = len(self.reads)
        self.evaluate(node, scope)
        self.reads[start:] = [read for read in self.reads[start:] if read.fails != "perhaps"]

    def _join(self, parts: list[ast.expr], scope: Scope) -> None:
        """Note that requests need the variables in an address: one with None in it leads nowhere."""
        texts = ["", *(str(part.value) if isinstance(part, ast.Constant) else "" for part in parts), "/"]
        for before, part, after in zip(texts, parts, texts[2:], strict=False):
            value = self.evaluate(part.value if isinstance(part, ast.FormattedValue) else part, scope)
            if any("://" in text for text in texts):
                self.need_later(replace(value, is_number=before == ":" and not after.startswith("@")))

    def need_later(self, value: Bound) -> None:
        """Note that requests fail if a value is None."""
        if value.is_none:
            self.reads.append(Read(value.variable, value.location, "call", is_number=value.is_number))

    def _dict(self, node: ast.Dict, scope: Scope) -> Bound:
        """Return the keys of a dict, as its items. A copy of the environment has the keys that were added to it."""
        values = [self.evaluate(each, scope) for each in node.values]
        keys = tuple(self.evaluate(key, scope) for key in node.keys if key is not None)
        copied = any(key is None and value.dotted == _ENVIRON for key, value in zip(node.keys, values, strict=True))
        return Bound(items=keys, dotted=_ENVIRON if copied else "")

    def is_exit(self, call: ast.Call, scope: Scope) -> bool:
        """Return whether a call ends the program."""
        return ast.unparse(call.func) in known_calls.EXITS or self.evaluate(call.func, scope).dotted in known_calls.EXITS

    def missing(self, test: ast.expr, scope: Scope) -> list[Bound]:
        """Return the variables without which a condition is true."""
        match test:
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self.needed(operand, scope)
            case ast.BoolOp(op=ast.Or(), values=operands):
                return self._for_operands(operands, scope, self.missing)
            case ast.Compare(left=left, ops=[ast.NotIn()], comparators=[right]):
                return self._in_environ(left, right, scope)
            case ast.Compare(left=left, ops=[ast.Is() | ast.Eq()], comparators=[ast.Constant(value=None | "")]):
                return [self.evaluate(left, scope)]
        return list(self.evaluate(test, scope).unset)

    def needed(self, test: ast.expr, scope: Scope) -> list[Bound]:
        """Return the variables without which a condition is false."""
        match test:
            case ast.BoolOp(op=ast.And(), values=operands):
                return self._for_operands(operands, scope, self.needed)
            case ast.Call(func=ast.Name(id="all"), args=[ast.GeneratorExp() | ast.ListComp() as argument]):
                return self._for_each(argument, argument.elt, scope, self.needed)
            case ast.Call(func=ast.Name(id="all"), args=[ast.List() | ast.Tuple() as argument]):
                return [bound for part in argument.elts for bound in self.needed(part, scope)]
            case ast.Call(func=ast.Name(id="all"), args=[argument]):
                return list(self.evaluate(argument, scope).items)
            case ast.Compare(left=left, ops=[ast.In()], comparators=[right]):
                return self._in_environ(left, right, scope)
            case ast.Compare(left=left, ops=[ast.IsNot() | ast.NotEq()], comparators=[ast.Constant(value=None | "")]):
                return [self.evaluate(left, scope)]
            case ast.Call(func=ast.Name(id="isinstance"), args=[value, ast.Name(id="str")]):
                return [self.evaluate(value, scope)]
        return [self.evaluate(test, scope)]

    def location(self, path: Path, line: int) -> str:
        """Return a line of a file as "file:line"."""
        if path not in self._names:  # every literal text has a location
            self._names[path] = path.relative_to(self._folder).as_posix()
        return f"{self._names[path]}:{line}"

    def _in_environ(self, left: ast.expr, right: ast.expr, scope: Scope) -> list[Bound]:
        name = self.evaluate(left, scope)
        is_environ = self.evaluate(right, scope).dotted == _ENVIRON
        return [Bound(variable=name.text or "", location=name.location)] if is_environ else []

    def _for_operands(self, operands: list[ast.expr], scope: Scope, conditions: _Conditions) -> list[Bound]:
        """Return the variables of conditions. An operand never runs without the variables that those before it ask for."""
        bounds: list[Bound] = []
        for operand in operands:
            ruled_out, start = {bound.variable for bound in bounds}, len(self.reads)
            bounds += conditions(operand, scope)
            self.reads[start:] = [read for read in self.reads[start:] if read.fails == "perhaps" or read.name not in ruled_out]
        return bounds

    def _for_each(self, node: _Comprehension, test: ast.expr, scope: Scope, conditions: _Conditions) -> list[Bound]:
        """Return the variables of a condition in a comprehension, for each of the literal texts that it goes through."""
        first = node.generators[0]
        if len(node.generators) > 1 or not isinstance(first.target, ast.Name):
            return []
        texts = self.evaluate(first.iter, scope).items
        scopes = [Scope(scope.path, ChainMap({first.target.id: text}, dict(scope.names))) for text in texts]
        return [bound for inner in scopes for bound in conditions(test, inner)]

    def _comprehension(self, node: _Comprehension, scope: Scope) -> Bound:
        self.evaluate(node.generators[0].iter, scope)
        conditions = node.generators[0].ifs
        return Bound(unset=tuple(self._for_each(node, conditions[0], scope, self.missing))) if len(conditions) == 1 else NOTHING

    def _operation(self, node: ast.BinOp, scope: Scope) -> Bound:
        left, right = self.evaluate(node.left, scope), self.evaluate(node.right, scope)
        for operand in (left, right):
            self.need_value(operand)
        is_copy = isinstance(node.op, ast.BitOr) and _ENVIRON in (left.dotted, right.dotted)
        return Bound(items=(*left.items, *right.items), dotted=_ENVIRON if is_copy else "")

    def _attribute(self, node: ast.Attribute, scope: Scope) -> Bound:
        own = f"self.{node.attr}"
        if isinstance(node.value, ast.Name) and node.value.id == "self" and own in scope.names:
            return scope.names[own]
        base = self.evaluate(node.value, scope)
        self.need_value(base)
        if base.dotted:
            return library_reads.from_package(f"{base.dotted}.{node.attr}")
        if base.library is not None:
            return library_reads.with_method(base.library, node.attr)
        if base.definition is not None and node.attr in ("model_validate", "parse_obj"):
            return base
        if base.definition is not None:
            return Bound(definition=base.definition.find_method(node.attr))
        if base.module is None:
            return NOTHING
        names = self.run_module(base.module).names
        below = self.find_module(base.module, f".{node.attr}") if base.module.stem == "__init__" else None
        return names.get(node.attr) or (Bound(module=below) if below else NOTHING)

    def _subscript(self, node: ast.Subscript, scope: Scope) -> Bound:
        base, key = self.evaluate(node.value, scope), self.evaluate(node.slice, scope)
        self.need_value(base)
        is_added = any(item.text == key.text for item in base.items)
        if base.dotted == _ENVIRON and key.text is not None and not is_added and isinstance(node.ctx, ast.Load):
            return self._needed(Bound(variable=key.text, location=key.location))
        return NOTHING

    def _needed(self, variable: Bound) -> Bound:
        """Note that a variable must be set. Return its value, which isn't None then."""
        self.need(variable)
        return replace(variable, has_default=True)

    def _optional(self, variable: Bound, default: ast.expr) -> Bound:
        """Return the value of a variable that has a default: it matters if that is None or empty."""
        if not variable.variable or not isinstance(default, ast.Constant) or default.value not in (None, ""):
            return NOTHING
        variable = replace(variable, has_default=default.value == "")
        if variable.is_none:
            self.reads.append(Read(variable.variable, variable.location, "perhaps"))
        return variable

    def _call(self, node: ast.Call, scope: Scope) -> Bound:
        function = self.evaluate(node.func, scope)
        arguments = [self.evaluate(each, scope) for each in node.args]
        keywords = {word.arg or "**": self.evaluate(word.value, scope) for word in node.keywords}
        if function.dotted in known_calls.GET and arguments:
            variable = Bound(variable=arguments[0].text or "", location=arguments[0].location)
            return self._optional(variable, _default(node))
        if function.dotted in known_calls.TAKE and len(arguments) == 1 and arguments[0].text:
            return self._needed(Bound(variable=arguments[0].text, location=arguments[0].location))
        if function.dotted == "os.environ.copy":
            return Bound(dotted=_ENVIRON)
        if function.dotted in known_calls.COPY and any(each.dotted == _ENVIRON for each in arguments):
            return Bound(dotted=_ENVIRON, items=(*(item for each in arguments for item in each.items), *map(_text, keywords)))
        if function.library is not None:
            variable = library_reads.read(function.library, arguments, keywords, self.location(scope.path, node.lineno))
            default = library_reads.default_of(function.library, node)
            return self._needed(variable) if default is None else self._optional(variable, default)
        if function.definition is not None:
            return self.run_definition(function.definition, self.bind(function.definition, arguments, keywords))
        if lifespan := keywords.get("lifespan", NOTHING).definition:
            self.run_body(lifespan, {})
        if function.dotted:
            return self._call_package(function.dotted, node, arguments, keywords, scope)
        self._call_method(node, arguments, keywords, scope)
        return NOTHING

    def _call_package(
        self, dotted: str, node: ast.Call, arguments: list[Bound], keywords: Mapping[str, Bound], scope: Scope
    ) -> Bound:
        if dotted in known_calls.SET:
            self.assign(arguments[0] if arguments else NOTHING)
        elif dotted == "os.environ.update":
            self._update(node, scope)
        elif dotted in known_calls.NEED_VALUE:
            for argument in arguments:
                self.need_value(argument)
        elif dotted in known_calls.NEED_TEXT:
            for argument in (*arguments, *(keywords[word] for word in known_calls.SECRETS if word in keywords)):
                self.need(replace(argument, is_number=dotted in known_calls.NUMBERS))
        elif dotted in known_calls.REFUSE_EMPTY:
            host = keywords.get("host") or next(iter(arguments), NOTHING)
            self.need(host if host.has_default else NOTHING)
        elif dotted in known_calls.CLIENTS and "**" not in keywords and not arguments:
            key = Bound(variable=known_calls.CLIENTS[dotted], location=self.location(scope.path, node.lineno))
            self.need_value(next((value for name, value in keywords.items() if name.endswith("api_key")), key))
        elif dotted == known_calls.DATABASE_CONFIG and not arguments and "default" not in keywords:
            name = keywords.get("env", NOTHING).text or "DATABASE_URL"
            self.reads.append(Read(name, self.location(scope.path, node.lineno), "perhaps"))
        elif dotted in _IMPORTERS and arguments and (module := self.find_module(scope.path, arguments[0].text or "")):
            self.run_module(module)
        tuples = (word.arg for word in node.keywords if word.arg and isinstance(word.value, ast.Tuple))
        prefix = keywords.get("env_prefix") or keywords.get("prefix") or NOTHING
        return library_reads.create(dotted, tuples, prefix.text or "") or NOTHING

    def bind(self, definition: Definition, arguments: list[Bound], keywords: Mapping[str, Bound]) -> dict[str, Bound]:
        """Return the parameters of a function that a call binds, the defaults included."""
        if isinstance(definition.node, ast.ClassDef):
            return dict(keywords)
        if definition.owner is not None:
            arguments = [Bound(definition=definition.owner), *arguments]
        parameters = definition.node.args
        names = [each.arg for each in (*parameters.posonlyargs, *parameters.args)]
        defaults = zip(reversed(names), reversed(parameters.defaults), strict=False)
        keyword_defaults = zip((each.arg for each in parameters.kwonlyargs), parameters.kw_defaults, strict=True)
        values = {name: self.evaluate(value, definition.scope) for name, value in (*defaults, *keyword_defaults)}
        return {**values, **dict(zip(names, arguments, strict=False)), **keywords}

    def assign(self, name: Bound) -> None:
        """Note that the code sets a variable itself."""
        self.is_open |= name.text is None
        self.assigned.add(name.text or "")

    def _update(self, node: ast.Call, scope: Scope) -> None:
        names = [Bound(text=word.arg) for word in node.keywords]
        for argument in node.args:
            keys = argument.keys if isinstance(argument, ast.Dict) else [None]
            names += [self.evaluate(key, scope) for key in keys]
        for name in names:
            self.assign(name)

    def _call_method(self, node: ast.Call, arguments: list[Bound], keywords: Mapping[str, Bound], scope: Scope) -> None:
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if method in known_calls.SIGNING:
            self.sign_with(keywords.get("secret_key") or keywords.get("SECRET_KEY") or NOTHING)
            for name in known_calls.SETTINGS & keywords.keys():
                self.need(keywords[name])
        if method == "token" and ast.unparse(node.func).endswith(known_calls.BUILDERS):
            for argument in (*arguments, *keywords.values()):
                self.need(argument)
        if method == "format" and "://" in ast.unparse(node.func):
            for value in (*arguments, *keywords.values()):
                self.need_later(value)
        if method == "from_object" and arguments:
            self.configure(arguments[0], scope.path)
        elif method == "from_pyfile" and arguments and (file := scope.path.parent / (arguments[0].text or "")).is_file():
            self.configure(Bound(module=file), scope.path)
        elif method == "from_envvar" and len(arguments) == 1 and "silent" not in keywords:
            self.need(Bound(variable=arguments[0].text or "", location=arguments[0].location))


def _text(text: str) -> Bound:
    return Bound(text=text)


def _default(node: ast.Call) -> ast.expr:
    """Return the default of `os.getenv`."""
    defaults = (*node.args[1:], *(word.value for word in node.keywords if word.arg == "default"))
    return next(iter(defaults), ast.Constant(None))
