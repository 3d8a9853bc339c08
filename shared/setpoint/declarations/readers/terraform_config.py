"""Read which attributes a Terraform configuration writes, and which it leaves alone, from its files; nothing is run.

A state does not show whether the author or the service set an attribute. The files do. Attributes whose
expression may be null, such as ``each.value.mtu``, stay not known.

Sources: https://developer.hashicorp.com/terraform/language/files,
https://developer.hashicorp.com/terraform/language/meta-arguments/lifecycle
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from setpoint.declarations.readers import boundaries, hcl, whole_files
from setpoint.declarations.readers.documents import Problem
from setpoint.declarations.readers.encodings import printable
from setpoint.declarations.readers.terraform_classes import NOT_KNOWN
from setpoint.errors import BadRequest

Key = tuple[tuple[str, ...], str, str]
"""The names of the modules around a resource, its type and its name."""

ALL = "all"
"""The value of `ignore_changes` that leaves every attribute alone."""

_SUFFIXES = (".tf", ".tf.json", ".tofu", ".tofu.json")
"""Endings of files; OpenTofu's own come last."""
_META = frozenset(("lifecycle", "provisioner", "connection", "depends_on", "count", "for_each", "provider", "dynamic"))
_BLOCK = "__is_block__"
_LOCAL = ("./", "../")
_MANIFEST = Path(".terraform", "modules", "modules.json")
_DEEPEST = 20
_LARGEST = 200_000
"""Maximum number of characters of a file, of which the reader of HCL takes some 100 MB and two seconds."""
_LARGEST_JSON = 1_000_000
_LARGEST_BYTES = 4_000_000
"""Maximum size in bytes of any of its files: four for each character."""
_MAX_CALLS = 5_000
_MAX_BLOCKS = 100_000
"""Maximum numbers of calls of modules and of resource blocks in all of them: modules may call each other many times."""
_LONGEST_TOKEN = 40
_VARIABLE = re.compile(r"\$\{var\.([\w-]+)\}")
_PLAIN = re.compile(r"\$\{[\w.\[\]*\"-]+\}")
_RESOURCE = re.compile(r"\$\{(?:data\.)?[a-z]+_\w+\.")
_MAY_BE_NULL = re.compile(r"\bnull\b|\b(?:try|lookup|one)\(")


class ConfiguredResource(NamedTuple):
    """A resource block.

    Args:
        expressions: The expression of each attribute and block, as in a plan's configuration.
        ignored: The paths in `ignore_changes`; `all` for every attribute.
        file: Its file.
    """

    expressions: dict[str, Any]
    ignored: tuple[str, ...]
    file: str


class Configuration(NamedTuple):
    """The resource blocks of a root module and the modules that it calls.

    Args:
        resources: The blocks.
        problems: Files that cannot be read, and modules whose files are not there.
    """

    resources: Mapping[Key, ConfiguredResource]
    problems: list[Problem]


class _Module(NamedTuple):
    """A call of a module.

    Args:
        folder: Its files.
        path: The names of the calls from the root.
        given: The value of each variable that the call gives: None for null, `NOT_KNOWN` where it may be null.
    """

    folder: Path
    path: tuple[str, ...]
    given: Mapping[str, Any]


def read(folder: str) -> Configuration:
    """Read the configuration in a root module's directory.

    Raises:
        BadRequest: there are no Terraform files, or the reader of HCL is not installed.
    """
    root = Path(folder)
    if not _files(root):
        raise BadRequest(f"--config {folder}: holds no .tf file; give the directory of the root module")
    reading = _Reading(root)
    reading.module(_Module(root, (), reading.values(root)))
    return Configuration(reading.resources, reading.problems)


def _files(folder: Path) -> list[Path]:
    """The files of a module; OpenTofu's own take the place of those with the same name."""
    files = {
        path.name.removesuffix(suffix).removesuffix(".tofu") + ("json" if suffix.endswith(".json") else ""): path
        for suffix in _SUFFIXES
        for path in sorted(folder.glob(f"*{suffix}"))
        if path.is_file()
    }
    return [files[stem] for stem in sorted(files)]


class _Reading:
    """The traversal of the modules."""

    def __init__(self, root: Path) -> None:
        self.resources: dict[Key, ConfiguredResource] = {}
        self.problems: list[Problem] = []
        self._root = root
        self._installed = _installed(root)
        self._boundary = boundaries.boundary_of(str(root))
        self._documents: dict[str, dict[str, Any]] = {}
        self._calls = 0
        self._is_over = False

    def _refused(self, path: Path) -> str:
        """Why a file is not read; what `terraform init` has fetched may lie elsewhere."""
        own = os.path.realpath(path.parent)
        is_fetched = any(boundaries.is_inside(own, os.path.realpath(folder)) for folder in self._installed.values())
        if is_fetched and boundaries.is_inside(str(path), own):
            return ""
        entry = os.path.relpath(path, self._root)
        is_out = boundaries.is_linked_out(entry, str(self._root), self._boundary)
        return boundaries.refused(str(path), self._boundary) if is_out else ""

    def values(self, root: Path) -> dict[str, Any]:
        """The variables in the value files that Terraform reads by itself, the last one counts."""
        values: dict[str, Any] = {}
        automatic = sorted((*root.glob("*.auto.tfvars"), *root.glob("*.auto.tfvars.json")))
        for path in (root / "terraform.tfvars", root / "terraform.tfvars.json", *automatic):
            if path.is_file():
                values |= self._parsed(path)
        return values

    def module(self, module: _Module) -> None:
        """Read a module and the modules that it calls."""
        bodies = [(path, self._parsed(path)) for path in _files(module.folder)]
        variables = {
            name: body
            for _, document in bodies
            for labels, body in _labelled(document.get("variable"), 1)
            for name in labels
        }
        nulls = {name: _default(body, module) for name, body in variables.items() if name not in module.given}
        scope = {**nulls, **{name: _resolved(value, {}) for name, value in module.given.items()}}
        for path, document in bodies:
            for (type_, name), body in _labelled(document.get("resource"), 2):
                self.resources[(module.path, type_, name)] = ConfiguredResource(
                    _expressions(body, scope), tuple(_ignored(body)), str(path)
                )
            for (name,), body in _labelled(document.get("module"), 1):
                if not self._is_too_much(module, path):
                    self._call(name, body, module, scope, path)

    def _is_too_much(self, module: _Module, file: Path) -> bool:
        """Whether no further module is read; the first one that is not is a problem."""
        if self._is_over or (self._calls < _MAX_CALLS and len(self.resources) < _MAX_BLOCKS):
            self._calls += 1
            return self._is_over
        self._is_over = True
        message = (
            f"more than {_MAX_CALLS:,} calls of modules or {_MAX_BLOCKS:,} resource blocks in them; the rest is "
            "judged by the state alone; give the directory of a smaller root module"
        )
        self.problems.append(Problem(printable(str(file)), 0, "module." + ".module.".join(module.path), message))
        return True

    def _call(self, name: str, body: Mapping[str, Any], module: _Module, scope: Mapping[str, Any], file: Path) -> None:
        path = (*module.path, name)
        source = _text(body.get("source"))
        folder = module.folder / source if source.startswith(_LOCAL) else self._installed.get(".".join(path))
        if folder is None or not folder.is_dir() or len(path) > _DEEPEST:
            message = "its files are not here: it is judged by the state alone; run `terraform init` in --config"
            self.problems.append(Problem(str(file), 0, f"module.{'.module.'.join(path)}", message, category="not-read"))
            return
        given = {
            variable: _resolved(value, scope)
            for variable, value in body.items()
            if variable not in _META and variable != _BLOCK
        }
        self.module(_Module(folder, path, given))

    def _parsed(self, path: Path) -> dict[str, Any]:
        """The content of a file, which is read once; empty, with a problem, where it is not HCL."""
        real = os.path.realpath(path)
        if real not in self._documents:
            self._documents[real] = self._read(path)
        return self._documents[real]

    def _read(self, path: Path) -> dict[str, Any]:
        if refused := self._refused(path):
            self.problems.append(Problem(printable(str(path)), 0, "", refused))
            return {}
        try:
            text = whole_files.read(path, _LARGEST_BYTES).decode("utf-8-sig")
            return _load_json(text) if path.suffix == ".json" else _load(text)
        except UnicodeDecodeError as error:
            reason, line = f"it is not UTF-8 (byte {error.start})", 0
        except OSError as error:
            reason, line = str(error.strerror), 0
        except _HclError as error:
            reason, line = str(error), error.line
        except (ValueError, RecursionError) as error:
            reason, line = str(getattr(error, "msg", error)), getattr(error, "lineno", 0)
        syntax = "JSON" if path.suffix == ".json" else "HCL"
        self.problems.append(Problem(printable(str(path)), line, "", f"cannot be read as {syntax}: {reason}"))
        return {}


class _HclError(ValueError):
    """A text that cannot be read as HCL.

    Args:
        reason: why.
        line: where, from 1; 0 for the whole file.
    """

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(reason)
        self.line = line


def _load(text: str) -> dict[str, Any]:
    """Parse HCL.

    Raises:
        _HclError: it is none.
        BadRequest: the reader of HCL is not installed.
    """
    try:
        import hcl2  # noqa: PLC0415 - optional
        from lark.exceptions import LarkError, VisitError  # noqa: PLC0415 - optional
    except ImportError:
        raise BadRequest(
            "--config needs a reader of HCL, the extra `terraform`: `make cli` in a clone has it; elsewhere "
            "pipx install --force 'setpoint[terraform] @ git+https://github.com/OWNER/setpoint.git@TAG'"
        ) from None
    if len(text) > _LARGEST:
        raise _HclError(f"{len(text):,} characters are more than {_LARGEST:,}; split the file")
    try:
        return dict(hcl2.loads(text))
    except (LarkError, ValueError, RecursionError) as error:
        cause = error.orig_exc if isinstance(error, VisitError) else error
        raise _HclError(_reason(cause), max(getattr(cause, "line", 0), 0)) from None


def _reason(error: Exception) -> str:
    """Why a text is not HCL, without the text itself."""
    if isinstance(error, RecursionError):
        return "an expression is nested too deeply, or has hundreds of parts"
    if isinstance(error, ValueError):
        return "a number has thousands of digits"
    token = str(getattr(error, "token", "") or getattr(error, "char", "")).strip()
    return f"unexpected `{token[:_LONGEST_TOKEN]}`" if token else "it breaks off"


def _load_json(text: str) -> dict[str, Any]:
    """Parse the JSON syntax of Terraform, and write it as the reader of HCL does.

    Source: https://developer.hashicorp.com/terraform/language/syntax/json

    Raises:
        ValueError: it is none.
    """
    if len(text) > _LARGEST_JSON:
        raise ValueError(f"{len(text):,} characters are more than {_LARGEST_JSON:,}; split the file")
    document = json.loads(text)
    if not isinstance(document, dict):
        raise ValueError("it is not an object")  # noqa: TRY004 - the content is wrong, not the type of an argument
    return {name: _of_json(value, _LABELS.get(name, 0)) for name, value in document.items() if name != "//"}


_LABELS = {"resource": 2, "data": 2, "variable": 1, "module": 1, "output": 1, "provider": 1, "dynamic": 1}
"""Blocks of files, and the number of their labels."""


def _of_json(value: Any, labels: int = 0) -> Any:
    """A value as the reader of HCL writes it: blocks are lists of objects, a constant text has quotes."""
    if isinstance(value, str):
        return value if hcl.TEMPLATE.search(value) else json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return [part for element in value for part in _as_list(_of_json(element, labels))]
    if not isinstance(value, dict):
        return value
    if labels:
        return [{label: _body(body, labels - 1) for label, body in value.items() if label != "//"}]
    return [_body(value, 0)]


def _body(value: Any, labels: int) -> Any:
    if not isinstance(value, dict):
        return _of_json(value)
    if labels:
        return {label: _body(body, labels - 1) for label, body in value.items() if label != "//"}
    inside = {name: _of_json(part, _LABELS.get(name, 0)) for name, part in value.items() if name != "//"}
    return inside | {_BLOCK: True}


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _installed(root: Path) -> dict[str, Path]:
    """The directory of each module that `terraform init` has fetched, by the names of its calls."""
    try:
        manifest = json.loads(whole_files.read(root / _MANIFEST, _LARGEST_BYTES))
        return {str(module["Key"]): root / module["Dir"] for module in manifest["Modules"] if module["Key"]}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}


def _labelled(blocks: Any, labels: int) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """The blocks of a kind, with their labels."""
    for block in blocks if isinstance(blocks, list) else ():
        yield from _unlabelled(block, labels, ())


def _unlabelled(block: Any, labels: int, outer: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    if not isinstance(block, dict):
        return
    if not labels:
        yield outer, block
        return
    for label, inner in block.items():
        if label != _BLOCK:
            yield from _unlabelled(inner, labels - 1, (*outer, label.strip('"')))


def _default(variable: Mapping[str, Any], module: _Module) -> Any:
    """The value of a variable that no call gives."""
    if "default" not in variable:
        return True  # Terraform demands it
    default = _resolved(variable["default"], {})
    return NOT_KNOWN if default is None and not module.path else default  # -var or the environment may give it


def _resolved(value: Any, scope: Mapping[str, Any]) -> Any:
    """What is known of a value: None for null, `NOT_KNOWN` where it may be null, else True."""
    if value is None or value is NOT_KNOWN or value is True:
        return value
    if not isinstance(value, str) or value.startswith('"'):
        return True
    if variable := _VARIABLE.fullmatch(value):
        return scope.get(variable[1], NOT_KNOWN)
    if _RESOURCE.match(value) and not _MAY_BE_NULL.search(value):
        return True
    return NOT_KNOWN if _PLAIN.fullmatch(value) or _MAY_BE_NULL.search(value) else True


def _expressions(body: Mapping[str, Any], scope: Mapping[str, Any]) -> dict[str, Any]:
    """The expressions of a block as in a plan's configuration, without those that are null."""
    expressions: dict[str, Any] = {}
    for name, value in body.items():
        if name in _META or name == _BLOCK:
            continue
        if isinstance(value, list) and value and all(isinstance(part, dict) and _BLOCK in part for part in value):
            expressions.setdefault(name, []).extend(_expressions(part, scope) for part in value)
        elif (expression := _expression(value, scope)) is not None:
            expressions[name] = expression
    for (name,), dynamic in _labelled(body.get("dynamic"), 1):
        contents = dynamic.get("content")
        for content in contents if isinstance(contents, list) else ():
            expressions.setdefault(name, []).append(_expressions(content, scope))
    return expressions


def _expression(value: Any, scope: Mapping[str, Any]) -> Any:
    known = _resolved(value, scope)
    if known is None or known is NOT_KNOWN:
        return known
    constant = _constant(value)
    return {"references": []} if constant is NOT_KNOWN else {"constant_value": constant}


def _constant(value: Any) -> Any:
    """The value of a constant; `NOT_KNOWN` for any other expression."""
    if not isinstance(value, str):
        return value if isinstance(value, (bool, int, float)) else NOT_KNOWN
    if not value.startswith('"') or hcl.TEMPLATE.search(value):
        return NOT_KNOWN
    try:
        return json.loads(value.replace("$${", "${").replace("%%{", "%{"))
    except ValueError:
        return NOT_KNOWN


def _text(value: Any) -> str:
    constant = _constant(value)
    return constant if isinstance(constant, str) else ""


def _ignored(body: Mapping[str, Any]) -> Iterator[str]:
    """The paths in `ignore_changes`, as `labels.team` and `boot_disk[0].auto_delete`."""
    lifecycles = body.get("lifecycle")
    for lifecycle in lifecycles if isinstance(lifecycles, list) else ():
        ignored = lifecycle.get("ignore_changes") if isinstance(lifecycle, dict) else None
        for path in [ignored] if isinstance(ignored, str) else ignored if isinstance(ignored, list) else ():
            yield (_text(path) or str(path)).removeprefix("${").removesuffix("}").replace('\\"', '"')
