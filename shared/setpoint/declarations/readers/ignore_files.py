"""``.setpointignore``: ignore resources and fields by patterns as in ``.gitignore``.

::

    # Everything in the sandboxes.
    sandbox-*/
    # One kind of resource, by its asset type; one resource, by its name.
    compute.googleapis.com/Route
    //storage.googleapis.com/shop-scratch
    # Fields alone, as attributes stand behind a pattern in .gitattributes.
    **/instanceGroupManagers/*  targetSize  versions[*].instanceTemplate
    # Not this one after all.
    !//storage.googleapis.com/shop-scratch

A pattern is matched against the full resource name and against the asset type. The last matching line applies. A file
concerns only declarations in its directory and below.
Source of the pattern format: https://git-scm.com/docs/gitignore#_pattern_format
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import NamedTuple

from msgspec.structs import replace
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from setpoint.declarations.readers import boundaries, compare_checks, typos, whole_files
from setpoint.declarations.readers.documents import IGNORE_FILE, Problem
from setpoint.declarations.readers.encodings import printable
from setpoint.errors import BadDeclaration
from setpoint.model import field_path, ignore_patterns, linear_patterns, terraform_addresses
from setpoint.model.declaration import Declaration, IgnoreRule, Scope

_WORD = re.compile(r'(?:"(?:[^"\\]|\\.)*"|\\.|[^\s"])+')
"""A part of a line; quoted text, as in ``labels["a b"]``, is not split."""

_TYPE = re.compile(r"[a-z0-9-]+\.[a-z0-9.-]+/[A-Z]\w*\Z")
"""A pattern that can only be meant as an asset type: kinds begin with a capital."""

_OF_POLICIES = frozenset(("bindings", "auditConfigs", "policies", "spec", "dryRunSpec", "listPolicy", "booleanPolicy"))
"""Fields of IAM and organization policies, which resources of all types have."""

_LONGEST_LINE = 100_000
"""Maximum letters of a line; to split it takes a hundred bytes a letter."""
_LARGEST = 10_000_000
"""Maximum size of an ignore file in bytes."""
_MAX_PATTERNS = 10_000
"""Maximum number of patterns of all ignore files, good or bad; each is tried on each declaration below it."""
_SHOWN = 80
"""Letters of a line that a problem shows."""

_DIRECTORY_MARK = "(?P<ps_d>/)"
"""The library's own group in an expression, which is not used here."""


class _Line(NamedTuple):
    """A line: the resources it matches, the ignored fields (all if empty), and whether it is negated."""

    rule: IgnoreRule
    fields: tuple[str, ...]


class IgnoreFiles:
    """The ignore files of some paths.

    Args:
        sources: the files and directories with declarations.
        root: a directory that reported file names are relative to.
    """

    def __init__(self, sources: Iterable[str], root: str = "") -> None:
        self.problems: list[Problem] = []
        self._lines: dict[str, list[_Line]] = {}
        self._patterns = 0
        paths = {file: boundary for source in sources for file, boundary in _files(source)}
        for file in sorted(paths, key=lambda file: (len(PurePath(file).parts), file)):
            shown = printable(os.path.relpath(file, root) if root else file)
            if reason := boundaries.refused(file, paths[file]):
                self.problems.append(Problem(shown, 0, "", reason))
                continue
            self._lines[os.path.dirname(shown)] = list(self._read(file, shown))  # noqa: PTH120 - paths as they were given

    def applied(self, declaration: Declaration) -> Declaration:
        """The declaration with the ignored paths of the ignore files above it."""
        ignored: dict[str, str] = {}
        for line in self._above(declaration.source.file):
            if not ignore_patterns.matches(
                line.rule, declaration.key.name, declaration.asset_type, declaration.source.address
            ):
                continue
            if line.rule.negated:
                for field in line.fields or tuple(ignored):
                    ignored.pop(field, None)
            else:
                ignored.update(dict.fromkeys(line.fields or (ignore_patterns.ALL,), line.rule.text))
        if not ignored:
            return declaration
        own = tuple(path for path in declaration.ignore if path not in ignored)
        return replace(declaration, ignore=(*own, *ignored), ignored_by={**declaration.ignored_by, **ignored})

    def applied_to_scope(self, scope: Scope) -> Scope:
        """The scope with the rules that ignore undeclared resources."""
        rules = tuple(line.rule for line in self._above(scope.source.file) if not line.fields)
        return replace(scope, ignores=rules) if rules else scope

    def _above(self, file: str) -> Iterator[_Line]:
        """The lines that concern a file, in order of precedence."""
        for folder, lines in self._lines.items():
            if not folder or file.startswith(folder + os.sep) or os.path.dirname(file) == folder:  # noqa: PTH120 - as above
                yield from lines

    def _read(self, file: str, shown: str) -> Iterator[_Line]:
        try:
            text = whole_files.read(file, _LARGEST).decode("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "is not UTF-8"
            self.problems.append(Problem(shown, 0, "", f"cannot be read: {reason}"))
            return
        for number, written in enumerate(text.splitlines(), start=1):
            if not written.strip() or written.startswith("#"):
                continue
            self._patterns += 1
            if self._patterns > _MAX_PATTERNS:
                reason = f"more than {_MAX_PATTERNS:,} patterns; the rest was not read; write fewer with wildcards"
                self.problems.append(Problem(shown, number, "", reason))
                return
            try:
                yield _line(written, f"{shown}:{number}")
            except BadDeclaration as error:
                self.problems.append(Problem(shown, number, "", str(error)))
                continue
            if fault := _misspelling(written):
                self.problems.append(Problem(shown, number, "", fault, category="value"))


def _misspelling(written: str) -> str:
    """The asset type or the field of a line that is probably misspelt, so that it ignores nothing; empty for none."""
    pattern, *fields = _WORD.findall(written)
    asset_type = pattern.removeprefix("!")
    if not _TYPE.match(asset_type):
        return ""
    if meant := typos.closest_asset_type(asset_type):
        return f"{asset_type} is not an asset type; did you mean {meant}?"
    own = [field for field in fields if field_path.parse(field)[0] not in _OF_POLICIES]
    faults = (compare_checks.path_fault(field, asset_type) for field in own)
    return next((fault for fault in faults if "did you mean" in fault), "")


def _line(written: str, where: str) -> _Line:
    if len(written) > _LONGEST_LINE:
        raise BadDeclaration(f"a line of {len(written):,} letters is too long; {_LONGEST_LINE:,} at most")
    words = _WORD.findall(written)
    if not words or _WORD.sub("", written).strip():
        raise BadDeclaration("a quotation mark has no partner")
    pattern, *fields = words
    for field in fields:
        if not field_path.parse(field):
            raise BadDeclaration(f"`{field:.{_SHOWN}}` is not a field path")
    if len(pattern) > linear_patterns.LONGEST:
        raise BadDeclaration(f"a pattern of {len(pattern):,} letters is too long; {linear_patterns.LONGEST:,} at most")
    bare = terraform_addresses.with_literal_keys(pattern.removeprefix("!"))
    expression = _expression("/" + bare[2:] if bare.startswith("//") else bare)
    if expression is None:
        raise BadDeclaration(f"`{pattern:.{_SHOWN}}` is not a pattern as in .gitignore")
    rule = IgnoreRule(
        expression=expression,
        negated=pattern.startswith("!"),
        text=f"{where}: {' '.join((pattern, *fields))}",
    )
    return _Line(rule, tuple(fields))


def _expression(pattern: str) -> str | None:
    """A pattern as a regular expression; None if it is invalid."""
    try:
        regex, _ = GitIgnoreSpecPattern.pattern_to_regex(pattern)
        if regex is None:
            return None
        expression: str = regex.replace(_DIRECTORY_MARK, "/")
        linear_patterns.compiled(expression)
    except (ValueError, BadDeclaration):
        return None
    return expression


def _files(source: str) -> Iterator[tuple[str, str]]:
    """The ignore files of a directory and below, or the one beside a file; each with the boundary of its links."""
    if not os.path.isdir(source):  # noqa: PTH112 - paths stay as they were given
        beside = os.path.join(os.path.dirname(source), IGNORE_FILE)  # noqa: PTH118, PTH120 - as above
        if os.path.isfile(beside):  # noqa: PTH113 - as above
            yield beside, boundaries.boundary_of(os.path.dirname(beside))  # noqa: PTH120 - as above
        return
    boundary = boundaries.boundary_of(source)
    for folder, folders, names in os.walk(source):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if IGNORE_FILE in names:
            yield os.path.join(folder, IGNORE_FILE), boundary  # noqa: PTH118 - as above
