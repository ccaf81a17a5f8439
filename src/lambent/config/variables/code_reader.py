"""Reads which environment variables the code of an app can't do without, in the order in which a start runs it.

Nothing is executed. What a start certainly runs is followed: modules, class bodies, own functions that are called, and the
branch of an `if` that literals and variables decide. What it may run (below another `if`, after a `return` in one) is read
after that, as a "branch". What is in a `try` that catches the exception doesn't count.
"""

from __future__ import annotations

import ast
import builtins
from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from lambent.config.variables import known_calls
from lambent.config.variables.bound import NOTHING, UNKNOWN, Bound, Definition, Fails, Function, Read, Scope
from lambent.config.variables.constants import SET
from lambent.config.variables.expressions import Expressions
from lambent.config.variables.library_reads import from_package
from lambent.config.variables.settings_class import read_settings_class

_DEPTH_MAX = 12
_BRANCHES_MAX = 1000
_RETURN = "return"
_SETTINGS_MODULES = ("config", "settings")
"""Where the objects are whose name a variable has, for Flask's `from_object`."""
Find = Callable[[Path, str], Path | None]
"""Returns the own file that an import in a file leads to, or None."""


class CodeReader(Expressions):
    """Follows statements. `find` finds the app's own modules."""

    def __init__(self, folder: Path, find: Find, variables: Mapping[str, Any]) -> None:
        super().__init__(folder, variables)
        self._branches: list[tuple[Sequence[ast.stmt], Scope]] = []
        self._find = find
        self._modules: dict[Path, tuple[ast.Module, Scope]] = {}
        self._bodies: set[int] = set()
        self._results: dict[object, Bound] = {}
        self._depth = 0

    def run_module(self, path: Path) -> Scope:
        if path not in self._modules:
            scope = Scope(path, {})
            try:
                tree = ast.parse(path.read_bytes())
            except (OSError, SyntaxError, ValueError):
                tree = ast.Module([], [])
            self._modules[path] = tree, scope
            self._run(tree.body, scope)
        return self._modules[path][1]

    def run_rest(self, files: Iterable[Path]) -> None:
        """Read what a start doesn't certainly run: branches, the other files, and the functions that nothing has called yet."""
        self.fails = "branch"
        for body, scope in self._branches:  # grows while it is read
            if len(self._branches) < _BRANCHES_MAX:
                self._run(body, scope)
        self.fails = "call"
        for path in files:
            self.run_module(path)
        for tree, scope in list(self._modules.values()):
            for node in ast.walk(tree):
                if isinstance(node, Function) and id(node) not in self._bodies:
                    self.run_body(Definition(node, scope), {})

    def find_module(self, importer: Path, dotted: str) -> Path | None:
        return self._find(importer, dotted)

    def run_definition(self, definition: Definition, arguments: dict[str, Bound]) -> Bound:
        node = definition.node
        if isinstance(node, ast.FunctionDef):
            is_generator = any(isinstance(part, ast.Yield | ast.YieldFrom) for part in ast.walk(node))
            return NOTHING if is_generator else self.run_body(definition, arguments)
        if isinstance(node, ast.ClassDef):
            self._make_object(definition, node, arguments)
        return NOTHING

    def run_body(self, definition: Definition, arguments: dict[str, Bound]) -> Bound:
        node = definition.node
        key = id(node), *((name, value.text, value.variable) for name, value in arguments.items() if value != NOTHING)
        if isinstance(node, ast.ClassDef) or self._depth > _DEPTH_MAX or key in self._results:
            return self._results.get(key, NOTHING)
        self._results[key] = NOTHING
        self._bodies.add(id(node))
        parameters = dict.fromkeys((each.arg for each in ast.walk(node.args) if isinstance(each, ast.arg)), NOTHING)
        scope = Scope(definition.scope.path, ChainMap({**parameters, **arguments}, dict(definition.scope.names)))
        self._depth += 1
        self._run(node.body, scope)
        self._depth -= 1
        self._results[key] = scope.names.get(_RETURN, NOTHING)
        return self._results[key]

    def _make_object(self, definition: Definition, node: ast.ClassDef, arguments: dict[str, Bound]) -> None:
        if settings := read_settings_class(definition, arguments):
            for field in settings.fields:
                fails: Fails = "perhaps" if settings.has_other_sources else self.fails
                read = Read(field.variable, self.location(field.path, field.line), fails, not settings.case_sensitive)
                self.reads.append(replace(read, is_number=field.is_number, example=field.example, delimiter=settings.delimiter))
                if field.is_secret_key:
                    self.secret_keys.add(field.variable)
        for part in node.body:
            if isinstance(part, ast.FunctionDef) and part.name == "__init__":
                self.run_body(Definition(part, definition.scope), arguments)

    def _run(self, body: Sequence[ast.stmt], scope: Scope) -> bool:
        """Run statements, and return whether the block ends there."""
        for index, statement in enumerate(body):
            branch = self._branch(statement, scope) if isinstance(statement, ast.If | ast.Match) else None
            if branch is not None:
                if self._run(branch, scope):
                    return True
                continue
            self._statement(statement, scope)
            is_yield = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Yield)
            if is_yield or isinstance(statement, ast.Return | ast.Raise):
                return True
            if _may_leave(statement):
                self._defer(body[index + 1 :], scope)
                return True
        return False

    def _branch(self, node: ast.If | ast.Match, scope: Scope) -> list[ast.stmt] | None:
        """Return the branch that runs, or None if reading doesn't tell. Variables that a branch asks for are set then."""
        test = node.subject if isinstance(node, ast.Match) else node.test
        if isinstance(node, ast.If) and (unset := self.missing(test, scope)) and self._ends(node.body, scope):
            for bound in unset:
                self.need(bound)
            return node.orelse
        value = self.constant(test, scope)
        if value is UNKNOWN:
            return None
        branch = self._case(node, value, scope) if isinstance(node, ast.Match) else node.body if value else node.orelse
        if isinstance(node, ast.Match) and branch == []:  # settings for each environment, and none for no environment
            self.need_later(self.evaluate(test, scope))
        if branch and self._ends(branch, scope):  # none of the values that it takes
            values = [self.evaluate(part, scope) for part in ast.walk(test) if isinstance(part, ast.Name | ast.Call)]
            for bound in values:
                self.need(bound)
            is_unset = any(bound.is_none and bound.variable not in self.variables for bound in values)
            if isinstance(node, ast.If) and branch is node.body and is_unset:
                return node.orelse
        return branch

    def _case(self, node: ast.Match, value: object, scope: Scope) -> list[ast.stmt] | None:
        """Return the body of the case that a value takes: none may take it. None if reading doesn't tell."""
        for case in node.cases:
            patterns = case.pattern.patterns if isinstance(case.pattern, ast.MatchOr) else [case.pattern]
            if case.guard or not all(isinstance(each, ast.MatchValue | ast.MatchSingleton | ast.MatchAs) for each in patterns):
                return None
            for pattern in patterns:
                match pattern:
                    case ast.MatchAs(pattern=None):
                        return case.body
                    case ast.MatchSingleton(value=other) if other is value:
                        return case.body
                    case ast.MatchValue(value=expression):
                        other = self.constant(expression, scope)
                        if UNKNOWN in (other, value) or SET in (other, value):
                            return None
                        if other == value:
                            return case.body
        return []

    def _defer(self, body: Sequence[ast.stmt], scope: Scope) -> None:
        """Read statements later, when what a start certainly runs is known."""
        if body and self.fails != "call":
            self._branches.append((body, Scope(scope.path, ChainMap({}, dict(scope.names)))))

    def _statement(self, node: ast.stmt, scope: Scope) -> None:
        match node:
            case ast.Import():
                self._import(node, scope)
            case ast.ImportFrom():
                self._import_from(node, scope)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._define_function(node, scope)
            case ast.ClassDef():
                self._define_class(node, scope)
            case ast.Assign() | ast.AugAssign():
                self._assign(node, scope)
            case ast.AnnAssign(value=ast.expr()):
                self._assign(node, scope)
            case ast.If():
                if "__name__" not in ast.unparse(node.test):  # what only a program runs
                    self._defer(node.body, scope)
                    self._defer(node.orelse, scope)
                self._skip(node, scope)
            case ast.Try():
                self._try(node, scope)
            case ast.With():
                contexts = [self.evaluate(item.context_expr, scope) for item in node.items]
                if not any(context.library for context in contexts):  # environs: `with env.prefixed("APP_")`
                    self._run(node.body, scope)
            case ast.For():
                self._for(node, scope)
            case ast.Assert(test=test):
                for bound in self.needed(test, scope):
                    self.need(bound)
            case ast.Return(value=value):
                scope.names[_RETURN] = self.evaluate(value, scope)
            case ast.Expr(value=value):
                self.evaluate(value, scope)

    def _import(self, node: ast.Import, scope: Scope) -> None:
        for alias in node.names:
            top = alias.name.partition(".")[0]
            own = self._find(scope.path, alias.name)
            if own is not None:
                self.run_module(own)
            if alias.asname:
                scope.names[alias.asname] = Bound(module=own) if own else Bound(dotted=alias.name)
            else:
                package = self._find(scope.path, top)
                scope.names[top] = Bound(module=package) if package else Bound(dotted=top)

    def _import_from(self, node: ast.ImportFrom, scope: Scope) -> None:
        source = "." * node.level + (node.module or "")
        own = self._find(scope.path, source) if node.module else None
        names = self.run_module(own).names if own else {}
        for alias in node.names:
            bound_name = alias.asname or alias.name
            below = None if alias.name in names else self._find(scope.path, f"{source}{'.' if node.module else ''}{alias.name}")
            if alias.name == "*":
                scope.names.update(names)
            elif below is not None:
                self.run_module(below)
                scope.names[bound_name] = Bound(module=below)
            elif own is not None or node.level:
                scope.names[bound_name] = names.get(alias.name, NOTHING)
            else:
                scope.names[bound_name] = from_package(f"{source}.{alias.name}")

    def _define_function(self, node: Function, scope: Scope) -> None:
        definition = Definition(node, scope)
        scope.names[node.name] = Bound(definition=definition)
        for expression in (*node.args.defaults, *node.args.kw_defaults, *node.decorator_list):
            self.evaluate(expression, scope)
        if any(ast.unparse(each).endswith(".on_event('startup')") for each in node.decorator_list):
            self.run_body(definition, {})

    def _define_class(self, node: ast.ClassDef, scope: Scope) -> None:
        for expression in (*node.decorator_list, *node.bases):
            self.evaluate(expression, scope)
        names: dict[str, Bound] = {}
        self._run(node.body, Scope(scope.path, ChainMap(names, dict(scope.names))))
        self.sign_with(names.get("SECRET_KEY", NOTHING))  # of Flask's `from_object`
        scope.names[node.name] = Bound(definition=Definition(node, scope))

    def configure(self, settings: Bound, path: Path) -> None:
        if settings.variable:
            self.settings_names.add(settings.variable)
            for module in filter(None, (self.find_module(path, name) for name in _SETTINGS_MODULES)):
                self.run_module(module)
        for name, value in self._settings(settings, path).items():
            if name in known_calls.SETTINGS:
                self.need(value)

    def _settings(self, settings: Bound, path: Path) -> Mapping[str, Bound]:
        """Return the names of a class or a module, which a literal text may name: "config" or "config.Production"."""
        if settings.module is not None:
            return self.run_module(settings.module).names
        if settings.text is None:
            return self._class_names(settings)
        if module := self.find_module(path, settings.text):
            return self.run_module(module).names
        package, _, name = settings.text.rpartition(".")
        module = self.find_module(path, package)
        return self._class_names(self.run_module(module).names.get(name, NOTHING)) if module is not None else {}

    def _class_names(self, class_: Bound) -> dict[str, Bound]:
        definition = class_.definition
        if definition is None or not isinstance(definition.node, ast.ClassDef):
            return {}
        names: dict[str, Bound] = {}
        for base in reversed(definition.node.bases):
            names |= self._class_names(self.evaluate(base, definition.scope))
        scope = definition.scope
        self._run(definition.node.body, Scope(scope.path, ChainMap(names, dict(scope.names))))
        return names

    def _assign(self, node: ast.Assign | ast.AnnAssign | ast.AugAssign, scope: Scope) -> None:
        value = self.evaluate(node.value, scope)
        if node.value is not None and not isinstance(node, ast.AugAssign):
            value = replace(value, constant=self.constant(node.value, scope))
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            match target:
                case ast.Name(id=name):
                    previous = scope.names.get(name, NOTHING).items if isinstance(node, ast.AugAssign) else ()
                    scope.names[name] = Bound(items=(*previous, *value.items)) if previous else value
                case ast.Tuple(elts=names) if len(names) == len(value.items):
                    pairs = zip(names, value.items, strict=True)
                    scope.names.update({name.id: item for name, item in pairs if isinstance(name, ast.Name)})
                case ast.Subscript(value=holder, slice=key):
                    self._set_item(self.evaluate(holder, scope), self.evaluate(key, scope), value)
                case ast.Attribute(attr="secret_key"):
                    self.sign_with(value)
                case ast.Attribute() if self.evaluate(target, scope).dotted == "os.environ":
                    self.is_open = True
                case ast.Attribute(value=ast.Name(id="self"), attr=name):
                    scope.names[f"self.{name}"] = value

    def _set_item(self, holder: Bound, key: Bound, value: Bound) -> None:
        if holder.dotted == "os.environ":
            self.assign(key)
            self.need_value(value)
        elif key.text in known_calls.SETTINGS:
            self.need(value)
        elif key.text == "SECRET_KEY":
            self.sign_with(value)

    def _try(self, node: ast.Try, scope: Scope) -> None:
        catching = [handler for handler in node.handlers if _catches(handler.type)]
        if all(self._ends(handler.body, scope) for handler in catching):
            self._run([*node.body, *node.orelse], scope)
        self._skip(node, scope)

    def _for(self, node: ast.For, scope: Scope) -> None:
        values = self.evaluate(node.iter, scope)
        self.need_value(values)
        if isinstance(node.target, ast.Name):
            for text in values.items:
                scope.names[node.target.id] = text
                self._run(node.body, scope)
        self._skip(node, scope)

    def _skip(self, node: ast.stmt, scope: Scope) -> None:
        """Take what the blocks of a statement import and define, and forget what they assign: it may be something else."""
        for part in ast.walk(node):
            match part:
                case ast.Import() if not any(self._find(scope.path, alias.name) for alias in part.names):
                    self._import(part, scope)
                case ast.ImportFrom(level=0, module=str(module)) if self._find(scope.path, module) is None:
                    self._import_from(part, scope)
                case ast.Name(id=name, ctx=ast.Store()):
                    scope.names[name] = NOTHING
                case ast.Subscript(value=holder, slice=key, ctx=ast.Store()):
                    if self.evaluate(holder, scope).dotted == "os.environ":
                        self.assign(self.evaluate(key, scope))
                case ast.Call(func=ast.Attribute(attr="setdefault" | "update" | "putenv")):
                    self.evaluate(part, scope)

    def _ends(self, body: Iterable[ast.stmt], scope: Scope) -> bool:
        """Return whether a block raises an exception or exits."""
        for statement in body:
            call = statement.value if isinstance(statement, ast.Expr) else None
            if isinstance(statement, ast.Raise) or (isinstance(call, ast.Call) and self.is_exit(call, scope)):
                return True
        return False


def _may_leave(statement: ast.stmt) -> bool:
    """Return whether what follows a condition is only run sometimes."""
    is_condition = isinstance(statement, ast.If | ast.For | ast.While)
    return is_condition and any(isinstance(part, ast.Return | ast.Continue | ast.Break) for part in ast.walk(statement))


def _catches(caught: ast.expr | None) -> bool:
    """Return whether a handler may catch what a missing variable raises: any exception that isn't a built-in one can be it."""
    names = [ast.unparse(each) for each in (caught.elts if isinstance(caught, ast.Tuple) else [caught] if caught else [])]
    return not names or any(name in known_calls.EXCEPTIONS or not hasattr(builtins, name) for name in names)
