"""Check which functions take a context, for `make words`.

A context holds all ports of a flow. It is for the functions that drive the flow; work takes the ports that it uses,
and values. Fails on a function that takes a context and uses at most three of its ports, directly or through the
functions that it passes the context to; on a port that is read through a context within a context; and on a context
whose docstring does not name its flow.
"""  # noqa: INP001 - a script

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

ROOT = ("setpoint.detection.pipeline", "Context")
"""The context that the others hold; a class with a field of a context is a context, too."""
MAX_PORTS = 3
"""So many ports a function takes by themselves."""
FLOW = "Flow: "
"""How the docstring of a context says which flow it belongs to."""

Class = tuple[str, str]
"""A class or function: its module and its name; of a method with its class, ``Worker.run``."""
Parameter = tuple[Class, str]
"""A parameter of a function, or an attribute of a class, ``self._context``, as its methods use it."""


class Fault(NamedTuple):
    """What reads badly, and where.

    Args:
        path: from the root of the checkout.
        line: from 1.
        message: what to write in its place.
    """

    path: str
    line: int
    message: str


class _Function(NamedTuple):
    """A function or a method.

    Args:
        path: its file.
        node: its code.
        owner: the class of a method; None for a function.
    """

    path: str
    node: ast.FunctionDef
    owner: str | None


class _Library:
    """The modules of a library.

    Args:
        modules: the text of each file.
    """

    def __init__(self, modules: Mapping[str, str]) -> None:
        self.trees = {path: ast.parse(text) for path, text in modules.items()}
        self.names = {path: _module(path) for path in modules}
        self.texts = {self.names[path]: text for path, text in modules.items()}
        self._trees = {self.names[path]: tree for path, tree in self.trees.items()}
        self._imported: dict[str, dict[str, tuple[str, str]]] = {}
        self.classes: dict[Class, tuple[str, ast.ClassDef]] = {}
        self.functions: dict[Class, _Function] = {}
        for path, tree in self.trees.items():
            for node in tree.body:
                self._add(path, node)
        self.contexts: dict[Class, dict[str, Class]] = {ROOT: {}}
        while self._add_contexts():
            pass
        self.nested = {field for fields in self.contexts.values() for field in fields}

    def _add(self, path: str, node: ast.stmt) -> None:
        module = self.names[path]
        if isinstance(node, ast.FunctionDef):
            self.functions[module, node.name] = _Function(path, node, None)
        elif isinstance(node, ast.ClassDef):
            self.classes[module, node.name] = (path, node)
            for method in node.body:
                if isinstance(method, ast.FunctionDef):
                    self.functions[module, f"{node.name}.{method.name}"] = _Function(path, method, node.name)

    def _add_contexts(self) -> bool:
        """Take the classes with a field of a context for contexts; whether there was another."""
        before = len(self.contexts)
        for (module, name), (_, node) in self.classes.items():
            if not self.names_a_context(module):
                continue
            fields = {
                statement.target.id: held
                for statement in node.body
                if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
                if (held := self.context_of(statement.annotation, module)) is not None
            }
            if fields:
                self.contexts[module, name] = fields
        return len(self.contexts) > before

    def names_a_context(self, module: str) -> bool:
        """Whether the text of a module has the name of a context."""
        return any(name in self.texts[module] for _, name in self.contexts)

    def _imports(self, module: str) -> dict[str, tuple[str, str]]:
        """What each imported name of a module stands for: a module and a name in it."""
        if module not in self._imported:
            tree = self._trees.get(module)
            self._imported[module] = {
                alias.asname or alias.name: (node.module, alias.name)
                for node in (ast.walk(tree) if tree is not None else ())
                if isinstance(node, ast.ImportFrom) and node.module is not None
                for alias in node.names
            }
        return self._imported[module]

    def context_of(self, annotation: ast.expr | None, module: str) -> Class | None:
        """The context that an annotation names."""
        match annotation:
            case ast.Constant(value=str(text)):
                return self.context_of(ast.parse(text, mode="eval").body, module)
            case ast.BinOp(left=left, right=right):
                return self.context_of(left, module) or self.context_of(right, module)
            case ast.Name() | ast.Attribute():
                named = self._named(annotation, module)
                return named if named in self.contexts else None
            case _:
                return None

    def _named(self, expression: ast.expr, module: str) -> Class | None:
        """What a name means in a module: something of its own or imported, followed through packages."""
        imports = self._imports(module)
        match expression:
            case ast.Name(id=name):
                source = imports.get(name, (module, name))
            case ast.Attribute(value=ast.Name(id=name), attr=attribute):
                source = (".".join(imports.get(name, (module, name))), attribute)
            case _:
                return None
        again = self._imports(source[0]).get(source[1])
        return again if again is not None and source not in self.functions and source not in self.classes else source

    def called(self, function: ast.expr, module: str, owner: str | None) -> tuple[Class, int] | None:
        """The function that a call calls, and how many of its parameters the call does not give."""
        match function:
            case ast.Attribute(value=ast.Name(id="self"), attr=name) if owner is not None:
                named: Class | None = (module, f"{owner}.{name}")
                return (named, 1) if named in self.functions else None
            case _:
                named = self._named(function, module)
        if named is None:
            return None
        made = (named[0], f"{named[1]}.__init__")
        if made in self.functions:
            return made, 1
        return (named, 0) if named in self.functions else None


def _module(path: str) -> str:
    return path.removeprefix("shared/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")


class _Uses:
    """The ports that functions use of their contexts.

    Args:
        library: the modules.
    """

    def __init__(self, library: _Library) -> None:
        self._library = library
        self._ports: defaultdict[Parameter, set[str]] = defaultdict(set)
        self._passed: defaultdict[Parameter, set[Parameter]] = defaultdict(set)
        self._whole: set[Parameter] = set()
        self.taken: dict[Parameter, tuple[str, int]] = {}
        naming = {module for module in library.texts if library.names_a_context(module)}
        kept = {place: self._kept(*place) for place in library.classes if place[0] in naming}
        for place, function in library.functions.items():
            if place[0] in naming:
                self._read(place, function, kept.get((place[0], function.owner or ""), {}))
        for (module, name), attributes in kept.items():
            for attribute, parameter in attributes.items():
                self._keep(module, name, attribute, parameter)

    def of(self, parameter: Parameter) -> set[str] | None:
        """The ports that are used of a parameter, here and where it is passed to; None where all may be."""
        ports: set[str] = set()
        left, seen = [parameter], {parameter}
        while left:
            current = left.pop()
            if current in self._whole:
                return None
            ports |= self._ports[current]
            for other in self._passed[current] - seen:
                seen.add(other)
                left.append(other)
        return ports

    def _kept(self, module: str, name: str) -> dict[str, str]:
        """The attributes of a class that hold a context, with the parameter that each is from."""
        init = self._library.functions.get((module, f"{name}.__init__"))
        if init is None:
            return {}
        return {
            node.targets[0].attr: node.value.id
            for node in ast.walk(init.node)
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute)
            if isinstance(node.value, ast.Name) and node.value.id in self._parameters(init.node, module)
        }

    def _keep(self, module: str, name: str, attribute: str, parameter: str) -> None:
        """Have a constructor use what the methods use of the context that it keeps."""
        init: Parameter = ((module, f"{name}.__init__"), parameter)
        if not attribute.startswith("_"):
            self._whole.add(init)
        for place, function in self._library.functions.items():
            if place[0] == module and function.owner == name:
                self._passed[init].add((place, f"self.{attribute}"))

    def _parameters(self, node: ast.AST, module: str) -> dict[str, Class]:
        """The parameters of a function, and of those in it, that are a context."""
        return {
            argument.arg: context
            for inner in ast.walk(node)
            if isinstance(inner, ast.FunctionDef)
            for argument in (*inner.args.posonlyargs, *inner.args.args, *inner.args.kwonlyargs)
            if (context := self._library.context_of(argument.annotation, module)) is not None
        }

    def _read(self, place: Class, function: _Function, kept: Mapping[str, str]) -> None:
        """Record what a function uses of its contexts, and where it passes them to."""
        module = place[0]
        types = self._parameters(function.node, module)
        for name in types:
            self.taken[place, name] = (function.path, function.node.lineno)
        init = (module, f"{function.owner}.__init__")
        if kept:
            taken = self._parameters(self._library.functions[init].node, module)
            types |= {f"self.{attribute}": taken[parameter] for attribute, parameter in kept.items()}
        if (module, function.owner) in self._library.contexts:
            types["self"] = (module, function.owner or "")
        if not types:
            return
        parents = {child: node for node in ast.walk(function.node) for child in ast.iter_child_nodes(node)}
        for node in ast.walk(function.node):
            name = _name(node)
            if name in types and not isinstance(parents.get(node), ast.arg):
                self._use(node, (place, name), types[name], parents, function)

    def _use(
        self,
        node: ast.AST,
        parameter: Parameter,
        context: Class,
        parents: Mapping[ast.AST, ast.AST],
        function: _Function,
    ) -> None:
        """Record one use of a context: a port, a context that it holds, or an argument of a call."""
        module = parameter[0][0]
        parent = parents.get(node)
        if isinstance(parent, ast.Attribute):
            held = self._library.contexts[context].get(parent.attr)
            if held is not None:
                self._use(parent, parameter, held, parents, function)
            elif (context[0], f"{context[1]}.{parent.attr}") in self._library.functions:
                self._passed[parameter].add(((context[0], f"{context[1]}.{parent.attr}"), "self"))
            else:
                self._ports[parameter].add(parent.attr)
            return
        keyword = parent.arg if isinstance(parent, ast.keyword) else None
        call = parents.get(parent) if isinstance(parent, ast.keyword) else parent
        is_kept = isinstance(call, ast.Assign) and isinstance(call.targets[0], ast.Attribute)
        if is_kept and function.node.name == "__init__":
            return  # its uses are those of the methods, see ``_keep``
        called = self._library.called(call.func, module, function.owner) if isinstance(call, ast.Call) else None
        if called is None or not isinstance(call, ast.Call):
            self._whole.add(parameter)
            return
        arguments = self._library.functions[called[0]].node.args
        names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]
        taker = keyword or _taker(call, node, names[called[1] :])
        if not taker:
            contexts = list(self._parameters(self._library.functions[called[0]].node, called[0][0]))
            taker = contexts[0] if len(contexts) == 1 else ""
        if taker:
            self._passed[parameter].add((called[0], taker))
        else:
            self._whole.add(parameter)


def _taker(call: ast.Call, given: ast.AST, names: list[str]) -> str:
    """The parameter that takes an argument by its place; empty where that is not known."""
    for name, argument in zip(names, call.args, strict=False):
        if isinstance(argument, ast.Starred):
            return ""
        if argument is given:
            return name
    return ""


def _name(node: ast.AST) -> str:
    match node:
        case ast.Name(id=name, ctx=ast.Load()):
            return name
        case ast.Attribute(value=ast.Name(id="self"), attr=attribute):
            return f"self.{attribute}"
        case _:
            return ""


def faults(modules: Mapping[str, str]) -> Iterator[Fault]:
    """The misuses of contexts in a library.

    Args:
        modules: the text of each file by its path from the root of the checkout.
    """
    library = _Library(modules)
    yield from _needless(library)
    for path, tree in library.trees.items():
        if any(f".{held}" in modules[path] for held in library.nested):
            yield from _chains(path, tree, library)
    for place in library.contexts:
        path, node = library.classes.get(place, ("", None))
        if node is not None and FLOW not in (ast.get_docstring(node) or ""):
            message = f"{node.name!r} is a context: say which flow it belongs to, {FLOW.strip()!r}"
            yield Fault(path, node.lineno, message)


def _needless(library: _Library) -> Iterator[Fault]:
    """The functions that take a context although few of its ports are used, by them and by what they call."""
    uses = _Uses(library)
    for parameter, (path, line) in uses.taken.items():
        ports = uses.of(parameter)
        if ports is not None and len(ports) <= MAX_PORTS:
            (_, function), _ = parameter
            used = ", ".join(sorted(ports)) or "nothing"
            yield Fault(path, line, f"{function!r} uses {used} of its context: take that")


def _chains(path: str, tree: ast.Module, library: _Library) -> Iterator[Fault]:
    """The ports that are read through a context within a context, and such a context that gets a name.

    A context may hold ports of the context in it: it takes them when it is made.
    """
    made = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name == "__post_init__"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Attribute(attr=held)) if held in library.nested and node not in made:
                yield Fault(path, node.lineno, f"{ast.unparse(node)} is read through two contexts: hold the port")
            case ast.Assign(value=value) | ast.AnnAssign(value=value) | ast.NamedExpr(value=value):
                for part in value.elts if isinstance(value, ast.Tuple) else (value,):
                    if isinstance(part, ast.Attribute) and part.attr in library.nested:
                        message = f"{ast.unparse(part)} gets a name: pass it, or hold its ports"
                        yield Fault(path, part.lineno, message)
