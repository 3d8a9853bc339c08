"""Check native declarations for values that no resource can have: values, names, roles, members, paths."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator

from msgspec.structs import replace

from setpoint.catalog import inventory_names, name_patterns
from setpoint.catalog.inventory_names import LOCATION_WORDS
from setpoint.catalog.schemas import Schema, default_catalogue
from setpoint.comparison import sealed
from setpoint.declarations.readers import krm_placeholders, value_checks
from setpoint.declarations.readers.document_path import DocumentPath
from setpoint.declarations.readers.documents import Document, Problem
from setpoint.declarations.readers.value_checks import ValueFault
from setpoint.model import field_path
from setpoint.model.declaration import Declaration
from setpoint.model.naming import camel
from setpoint.model.project_names import hint, is_project
from setpoint.model.resource_key import WHOLE

_PROJECT_OF_NAME = re.compile(r"//[^/]+/projects/([a-z][a-z0-9-]{5,29})/")
_BUCKET = "storage.googleapis.com/Bucket"
_CLOSE = 0.8
_WARNING = "value"
"""The category of what may be right."""


def problems(declaration: Declaration, document: Document) -> list[Problem]:
    """What is wrong with a well-formed declaration, errors and warnings.

    Args:
        declaration: The declaration.
        document: Its document.
    """
    return [
        _problem(document, fault.where, fault.message, "invalid" if fault.is_certain else _WARNING)
        for fault in _faults(declaration)
    ]


def warnings(
    declaration: Declaration,
    document: Document,
    declared_place: Callable[[DocumentPath], DocumentPath],
    subject: str = "",
) -> list[Problem]:
    """What looks wrong in the values of a translated declaration: the reader may have known better.

    Args:
        declaration: The declaration, in the API's terms.
        document: The document that it was read from.
        declared_place: Gives the author's path of a path of the API.
        subject: The name of the resource in its document; empty for that of the document.
    """
    if declaration.digests:
        declaration = replace(declaration, data=sealed.without(declaration.data))
    schema = default_catalogue().fitting(declaration.asset_type, declaration.data)
    faults = [fault for fault in value_checks.faults(declaration, schema) if fault.in_translated]
    problems = [
        _problem(document, declared_place(fault.where), fault.message, _WARNING, subject or document.subject)
        for fault in faults
    ]
    if not problems and (message := value_checks.location_of_name(declaration.key.name)):
        problems.append(_problem(document, (), message, _WARNING, subject or document.subject))
    return problems


def _problem(document: Document, where: DocumentPath, message: str, category: str, subject: str = "") -> Problem:
    return document.problem(where, message, subject=subject or document.subject, category=category)


def _faults(declaration: Declaration) -> Iterator[ValueFault]:
    schema = default_catalogue().fitting(declaration.asset_type, declaration.data)
    for where, message in _in_place(declaration, schema):
        yield ValueFault(where, message)
    if message := value_checks.location_of_name(declaration.key.name):
        yield ValueFault(("metadata", "name"), message, is_certain=False)
    for fault in value_checks.faults(declaration, schema):
        yield fault._replace(where=("spec", "data", *fault.where))
    if declaration.key.content in WHOLE and schema is not None:
        for where, message in _in_ignored(declaration.ignore, schema):
            yield ValueFault(where, message)


def _in_place(declaration: Declaration, schema: Schema | None) -> Iterator[tuple[DocumentPath, str]]:
    if declaration.project and not is_project(declaration.project):
        yield ("metadata", "project"), f"{declaration.project} is not a project id; {hint(declaration.project)}"
    name = declaration.key.name
    own = _PROJECT_OF_NAME.match(name)
    if declaration.project and own and declaration.project != own[1] and not own[1].isdigit():
        message = f"{declaration.project} is not the project of the name, which is {own[1]}; did you mean {own[1]}?"
        yield ("metadata", "project"), message
    if fault := _other_service(declaration):
        yield ("metadata", "name"), fault
    path = name.removeprefix("//").partition("/")[2]
    if declaration.asset_type == _BUCKET and "/" in path and declaration.key.content in WHOLE:
        yield ("metadata", "name"), f"{name} is not a bucket's name; use the form //storage.googleapis.com/my-bucket"
    if krm_placeholders.has_placeholder(name):
        yield ("metadata", "name"), krm_placeholders.message(name)
    elif looks := _other_form(declaration.asset_type, path, schema):
        yield ("metadata", "name"), f"{name} is not a name of {declaration.asset_type}; use the form {looks}"


def _other_service(declaration: Declaration) -> str:
    """What is wrong with the service of a name, by the names that the inventory documents for the type."""
    entry = inventory_names.entry(declaration.asset_type)
    service = declaration.key.name.removeprefix("//").partition("/")[0]
    known = [form.removeprefix("//").partition("/")[0] for form in entry.formats] if entry is not None else []
    if not known or service in {*known, declaration.asset_type.partition("/")[0]}:
        return ""
    return f"{service} is not the service of {declaration.asset_type}; did you mean //{known[0]}/?"


def _other_form(asset_type: str, path: str, schema: Schema | None) -> str:
    """A name format of the type if a path has none of its formats; empty if it has one, or none is known."""
    entry = inventory_names.entry(asset_type)
    forms = [form.removeprefix("//").partition("/")[2] for form in entry.formats] if entry is not None else []
    patterns = name_patterns.of(asset_type, schema.name) if schema is not None else ()
    if not forms or any(_has_form(path, form) for form in (*forms, *patterns)):
        return ""
    return entry.formats[0] if entry is not None else ""


_FILLED = re.compile(r"\{[^}]*\}|\*")


def _has_form(path: str, form: str) -> bool:
    """Whether a path has the collections of a format; locations have synonyms, and ids may contain slashes."""
    parts, wanted = path.split("/"), form.removesuffix("/").split("/")
    if len(parts) < len(wanted):
        return False
    return all(
        _FILLED.search(want) is not None or part == want or {part, want} <= LOCATION_WORDS
        for part, want in zip(parts, wanted, strict=False)
    ) and (len(parts) == len(wanted) or _FILLED.fullmatch(wanted[-1]) is not None)


def _in_ignored(patterns: tuple[str, ...], schema: Schema) -> Iterator[tuple[DocumentPath, str]]:
    """Misspellings in the first field of ignored paths, which would then ignore nothing."""
    for index, pattern in enumerate(patterns):
        first = next(iter(field_path.readable(pattern)), "") if pattern[:1].isalpha() else ""
        name = str(first)
        if not name or name in schema.fields or camel(name) in schema.fields:
            continue
        meant = difflib.get_close_matches(name, list(schema.fields), n=1, cutoff=_CLOSE)
        if meant:
            yield ("spec", "ignore", index), f"{pattern} names no field of the API; did you mean {meant[0]}?"
