"""Edit the Terraform code of a root module so that it declares what was observed, where that is certain.

A value is edited where it is a literal: of the attribute, of a local, of a variable's default, or of a value file. It
must be the value that was applied, and used nowhere else. The edited text has to differ in this literal alone, and
the provider's attribute with the new value has to mean what was observed. Otherwise the error says what to change.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from setpoint.catalog import terraform_types
from setpoint.catalog.schemas import Catalogue, default_catalogue
from setpoint.comparison import difference_text
from setpoint.comparison.masking import HIDING, Masking
from setpoint.declarations import proposal_lines
from setpoint.declarations.readers import hcl, terraform
from setpoint.declarations.readers.hcl import HclAttribute, NotHclError, Token
from setpoint.declarations.readers.terraform_documents import TerraformResource
from setpoint.detection import verdict
from setpoint.model import field_path
from setpoint.model.declaration import Declaration
from setpoint.model.difference import Difference
from setpoint.model.observation import Observation
from setpoint.model.secrecy import holds_hidden

_ADDRESS = re.compile(r"([a-z][a-z0-9_]*)\.([\w-]+)\Z")
_REPEATED = ("count", "for_each")
_DEEPEST = 5
_Schema = Mapping[str, terraform_types.Attribute]
_UNKNOWN: _Schema = {}


class CodeEdit(NamedTuple):
    """The edits of a root module.

    Args:
        files: the text of each file, edited or not.
        by_hand: the manual steps, one line per field.
    """

    files: Mapping[str, str]
    by_hand: tuple[str, ...] = ()


class _ByHandError(Exception):
    """A difference that needs a manual step, with the reason."""


class _Place(NamedTuple):
    """A literal: its file and its tokens."""

    file: str
    tokens: Sequence[Token]


def edit_code(
    files: Mapping[str, str],
    declaration: Declaration,
    observation: Observation,
    schemas: Catalogue,
    masking: Masking = HIDING,
) -> CodeEdit:
    """Edit the code of one resource.

    Args:
        files: the text of each file of Terraform in the root module, by its path; of those in JSON, too.
        declaration: the declaration, as it was applied from a plan or a state.
        observation: what was observed.
        schemas: the API's schemas.
        masking: has the key of the declaration's digests.
    """
    by_hand: list[str] = []
    edited, data = dict(files), declaration.data
    for difference in verdict.differences(declaration, observation, schemas, masking):
        try:
            changed, value = _edited(edited, declaration, difference)
            data = _with(data, field_path.readable(difference.path), value)
        except (_ByHandError, NotHclError) as why:
            by_hand.append(f"{_line(declaration, difference)} ({why})")
        else:
            edited |= changed
    left = verdict.differences(replace(declaration, data=data), observation, schemas, masking)
    if len(left) > len(by_hand):
        differences = verdict.differences(declaration, observation, schemas, masking)
        return CodeEdit(files, tuple(f"{_line(declaration, each)} (it is uncertain)" for each in differences))
    return CodeEdit(edited, tuple(by_hand))


def _line(declaration: Declaration, difference: Difference) -> str:
    return proposal_lines.line(declaration, difference)


def _edited(
    files: Mapping[str, str], declaration: Declaration, difference: Difference
) -> tuple[Mapping[str, str], Any]:
    """The file that an edit changes, and the value that it declares afterwards."""
    if holds_hidden(difference.declared) or holds_hidden(difference.observed):
        raise _ByHandError("a secret is never proposed")
    if difference.op != "changed":
        raise _ByHandError("only changed values are edited")
    _check_meaning(declaration, difference)
    place = _place(files, declaration, difference)
    text = files[place.file]
    new = {place.file: _new_text(text, place, difference)}
    _check_tokens(text, new[place.file], place)
    afterwards = replace(difference, declared=difference.observed)
    return new, _value(_place({**files, **new}, declaration, afterwards), difference.observed)


def _place(files: Mapping[str, str], declaration: Declaration, difference: Difference) -> _Place:
    """The literal that gives the value of an attribute."""
    bodies = {name: hcl.parse(text) for name, text in files.items() if not name.endswith(".json")}
    _check_uses(files, declaration, difference)
    return _literal(_attribute(bodies, declaration, difference), bodies, files, _DEEPEST)


def _check_uses(files: Mapping[str, str], declaration: Declaration, difference: Difference) -> None:
    """Check that no other expression reads the attribute, which would change with it."""
    address = declaration.source.address
    name = difference.declared_path.removeprefix(f"{address}.").split(".")[0].split("[")[0]
    used = re.compile(rf"\b{re.escape(address)}\.{re.escape(name)}\b")
    if any(used.search(text) for text in files.values()):
        raise _ByHandError("another expression uses the attribute")


def _value(place: _Place, observed: Any) -> Any:
    """What a literal declares, in the types of the observed value."""
    if not isinstance(observed, list):
        if not _is_same(hcl.scalar(place.tokens), observed):
            raise _ByHandError("it cannot be written there")
        return observed
    by_text = {_as_text(value): value for value in observed}
    values = [_as_text(hcl.scalar(part)) for part in hcl.elements(place.tokens)]
    return [by_text.get(value, value) for value in values]


def _attribute(bodies: Mapping[str, hcl.HclBlock], declaration: Declaration, difference: Difference) -> _Place:
    """The expression of the attribute that declares a value."""
    address = declaration.source.address
    match_ = _ADDRESS.match(address)
    if match_ is None:
        raise _ByHandError("it is in a module, or one of several of a resource block")
    blocks = [
        (file, block)
        for file, body in bodies.items()
        for block in body.blocks
        if block.type == "resource" and block.labels == match_.groups()
    ]
    if len(blocks) != 1:
        raise _ByHandError("its resource block is not in the root module")
    ((file, block),) = blocks
    if any(block.attribute(name) for name in _REPEATED):
        raise _ByHandError("one resource block declares several")
    attribute = difference.declared_path.removeprefix(f"{address}.")
    if attribute == difference.declared_path:
        raise _ByHandError("it is written in another shape")
    known = terraform_types.of(block.labels[0])
    schema = known.attributes if known is not None else _UNKNOWN
    return _Place(file, _inner(block, field_path.readable(attribute), schema, difference.declared).tokens)


def _inner(block: hcl.HclBlock, parts: Sequence[str], schema: _Schema, declared: Any) -> HclAttribute:
    """The attribute at a path below a block: nested blocks by their position, and a key of a map.

    Blocks of a set are in an order of their own in a state, so that the value says which one is meant.
    """
    if not parts:
        raise _ByHandError("it is a whole block")
    name, rest = parts[0], parts[1:]
    if any(each.type == "dynamic" and each.labels == (name,) for each in block.blocks):
        raise _ByHandError("a dynamic block makes it")
    if attribute := block.attribute(name):
        for key in rest:
            entry = [each for each in hcl.entries(attribute.tokens) if each.name == key]
            if len(entry) != 1 or isinstance(key, field_path.Element):
                raise _ByHandError("it is not written there")
            (attribute,) = entry
        return attribute
    nested = [each for each in block.blocks if each.type == name]
    position = rest[0][1:-1] if rest and isinstance(rest[0], field_path.Element) else ""
    if not position.isdecimal() or int(position) >= len(nested):
        raise _ByHandError("it is not written there")
    own = schema.get(name)
    inside = own.inside if own is not None else _UNKNOWN
    if len(nested) == 1 or (own is not None and own.nesting == "list"):
        return _inner(nested[int(position)], rest[1:], inside, declared)
    attributes = [_inner(each, rest[1:], inside, declared) for each in nested]
    meant = [each for each in attributes if _has_value(each.tokens, declared)]
    if len(meant) != 1:
        raise _ByHandError("several blocks have this value, and their order does not identify them")
    return meant[0]


def _has_value(tokens: Sequence[Token], declared: Any) -> bool:
    """Whether a literal has the declared value.

    Raises:
        NotHclError: it is not a literal.
    """
    if isinstance(declared, list):
        return _is_same_list([hcl.scalar(part) for part in hcl.elements(tokens)], declared)
    return _is_same(hcl.scalar(tokens), declared)


def _is_same_list(values: list[Any], declared: list[Any]) -> bool:
    return sorted(map(_as_text, values)) == sorted(map(_as_text, declared))


def _literal(place: _Place, bodies: Mapping[str, hcl.HclBlock], files: Mapping[str, str], deepest: int) -> _Place:
    """The literal that gives a value: the expression itself, or that of its local or variable."""
    named = hcl.reference(place.tokens)
    if named is None:
        return place
    kind, name = named
    uses = sum(len(re.findall(rf"\b{kind}\.{re.escape(name)}(?![\w-])", text)) for text in files.values())
    if uses != 1 or not deepest:
        raise _ByHandError(f"{kind}.{name} is used in several places")
    places = _of_local(name, bodies) if kind == "local" else _of_variable(name, bodies, files)
    if not places:
        raise _ByHandError(f"{kind}.{name} has no value in the root module")
    return _literal(places[-1], bodies, files, deepest - 1)


def _of_local(name: str, bodies: Mapping[str, hcl.HclBlock]) -> list[_Place]:
    return [
        _Place(file, attribute.tokens)
        for file, body in bodies.items()
        for block in body.blocks
        if block.type == "locals" and (attribute := block.attribute(name))
    ]


def _of_variable(name: str, bodies: Mapping[str, hcl.HclBlock], files: Mapping[str, str]) -> list[_Place]:
    """The values of a variable, the one that counts last: its default, then the files that Terraform reads by itself.

    Source: https://developer.hashicorp.com/terraform/language/values/variables#variable-definition-precedence
    """
    defaults = [
        _Place(file, attribute.tokens)
        for file, body in bodies.items()
        for block in body.blocks
        if block.type == "variable" and block.labels == (name,) and (attribute := block.attribute("default"))
    ]
    files_of_values = sorted(
        (file for file in bodies if file.endswith(".tfvars")), key=lambda file: (".auto." in file, file)
    )
    given = [_Place(file, attribute.tokens) for file in files_of_values if (attribute := bodies[file].attribute(name))]
    in_json = any(file.endswith(".json") and f'"{name}"' in text for file, text in files.items())
    if in_json or any(not _is_read_by_itself(place.file) for place in given):
        raise _ByHandError(f"it is not known which value file gives var.{name}")
    return [*defaults, *given]


def _is_read_by_itself(file: str) -> bool:
    return file.endswith(".auto.tfvars") or file.rpartition("/")[2] == "terraform.tfvars"


def _new_text(text: str, place: _Place, difference: Difference) -> str:
    """The file with the observed value in place of the literal of the declared one."""
    declared, observed = difference.declared, difference.observed
    if isinstance(declared, list) and isinstance(observed, list):
        return _with_list(text, place, declared, observed)
    if isinstance(declared, (dict, list)) or isinstance(observed, (dict, list)):
        raise _ByHandError("it is written in another shape")
    value = hcl.scalar(place.tokens)
    if not _is_same(value, declared):
        raise _ByHandError("the code has another value than what was applied")
    return text[: place.tokens[0].start] + _written(observed, value) + text[place.tokens[-1].end :]


def _is_same(value: Any, declared: Any) -> bool:
    """Whether a literal is a declared value; Terraform converts between texts, numbers and booleans."""
    return _as_text(value) == _as_text(declared)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else difference_text.encoded(value)


def _written(observed: Any, before: Any) -> str:
    """An observed value in the type of the literal before it."""
    text = _as_text(observed)
    if isinstance(before, str):
        return hcl.literal(text)
    if not re.fullmatch("true|false" if isinstance(before, bool) else r"-?\d+(\.\d+)?", text):
        raise _ByHandError("it has another type")
    return text


def _with_list(text: str, place: _Place, declared: list[Any], observed: list[Any]) -> str:
    """A list with the elements that are gone taken out, and the new ones at its end."""
    parts = hcl.elements(place.tokens)
    values = [hcl.scalar(part) for part in parts]
    if not _is_same_list(values, declared):
        raise _ByHandError("the code has another value than what was applied")
    if any(isinstance(value, (dict, list)) for value in observed):
        raise _ByHandError("it is written in another shape")
    wanted = [_as_text(value) for value in observed]
    kept = [part for part, value in zip(parts, values, strict=True) if _as_text(value) in wanted]
    held = {_as_text(value) for value in values}
    more = [_written(value, values[0] if values else "") for value in observed if _as_text(value) not in held]
    start, end = place.tokens[0].start, place.tokens[-1].end
    if "\n" not in text[start:end]:
        if any("/*" in gap for gap in _gaps(text, place.tokens)):
            raise _ByHandError("its list has comments")
        inner = [text[part[0].start : part[-1].end] for part in kept] + more
        return f"{text[:start]}[{', '.join(inner)}]{text[end:]}"
    return _with_lines(text, place, parts, kept, more)


def _gaps(text: str, tokens: Sequence[Token]) -> list[str]:
    """What stands between tokens: spaces and comments."""
    return [text[before.end : after.start] for before, after in pairwise(tokens)]


def _with_lines(
    text: str, place: _Place, parts: Sequence[Sequence[Token]], kept: Sequence[Sequence[Token]], more: Sequence[str]
) -> str:
    """A list with one element per line: lines are taken out and added."""
    lines = [text.rfind("\n", 0, part[0].start) + 1 for part in parts]
    is_by_line = len(set(lines)) == len(lines) and all(line > place.tokens[0].start for line in lines)
    if not parts or not is_by_line or "\n" not in text[parts[-1][-1].end : place.tokens[-1].start]:
        raise _ByHandError("its list has several elements on a line")
    last = parts[-1][-1].end
    has_comma = any(token.text == "," and token.start >= last for token in place.tokens)
    line_end = text.index("\n", last) + 1
    pad = text[lines[-1] : parts[-1][0].start]
    newline = "\r\n" if text[line_end - 2 : line_end] == "\r\n" else "\n"
    added = "".join(f"{pad}{value},{newline}" for value in more)
    text = text[:line_end] + added + text[line_end:]
    if more and not has_comma:
        text = f"{text[:last]},{text[last:]}"
    for part, line in reversed(list(zip(parts, lines, strict=True))):
        if not any(part is each for each in kept):
            text = text[:line] + text[text.index("\n", line) + 1 :]
    return text


def _check_tokens(before: str, after: str, place: _Place) -> None:
    """Check that the edited file can be taken apart, and differs in the literal alone."""
    hcl.parse(after)
    old, new = ([token.text for token in hcl.tokens(text)] for text in (before, after))
    start = sum(token.end <= place.tokens[0].start for token in hcl.tokens(before))
    rest = len(old) - start - len(place.tokens)
    is_alone = old[:start] == new[:start] and (not rest or old[-rest:] == new[-rest:])
    if not is_alone:
        raise _ByHandError("it cannot be written without changing something else")


def _check_meaning(declaration: Declaration, difference: Difference) -> None:
    """Check that the attribute means the declared value by the one literal, and the observed one by the other."""
    for value in (difference.declared, difference.observed):
        if _as_api(declaration, difference, value) != value:
            raise _ByHandError("the attribute is written in another form than the API's field")


def _as_api(declaration: Declaration, difference: Difference, value: Any) -> Any:
    """The value of the API's field where an attribute has a value; unset where the attribute leads elsewhere."""
    address = declaration.source.address
    terraform_type = address.partition(".")[0]
    parts = field_path.readable(difference.declared_path.removeprefix(f"{address}."))
    values = _tree(parts, value)
    if not isinstance(values, dict):
        return msgspec.UNSET
    block = TerraformResource(address, terraform_type, values, {}, frozenset(values))
    for part in terraform.parts(block):
        if part.means.known and part.means.asset_type == declaration.asset_type:
            schemas = default_catalogue().schemas_for(part.means.asset_type)
            translated = terraform.translate(part, schemas)
            return _get(translated.declaration.data, field_path.readable(difference.path))
    return msgspec.UNSET


def _tree(parts: Sequence[str], value: Any) -> Any:
    """A value below the attributes and blocks of a path."""
    for part in reversed(parts):
        if isinstance(part, field_path.Element):
            if not part[1:-1].isdecimal():
                return None
            value = [*({} for _ in range(int(part[1:-1]))), value]
        else:
            value = {part: value}
    return value


def _get(data: Any, parts: Sequence[str]) -> Any:
    for part in parts:
        if isinstance(part, field_path.Element) and isinstance(data, list) and part[1:-1].isdecimal():
            data = data[int(part[1:-1])] if int(part[1:-1]) < len(data) else msgspec.UNSET
        elif isinstance(data, Mapping) and part in data:
            data = data[part]
        else:
            return msgspec.UNSET
    return data


def _with(data: Any, parts: Sequence[str], value: Any) -> Any:
    """Data with another value at a path.

    Raises:
        _ByHandError: there is no such path.
    """
    if not parts:
        return value
    part, rest = parts[0], parts[1:]
    if isinstance(part, field_path.Element):
        if not isinstance(data, list) or not part[1:-1].isdecimal() or int(part[1:-1]) >= len(data):
            raise _ByHandError("it is written in another shape")
        index = int(part[1:-1])
        return [*data[:index], _with(data[index], rest, value), *data[index + 1 :]]
    if not isinstance(data, Mapping) or part not in data:
        raise _ByHandError("it is written in another shape")
    return {**data, part: _with(data[part], rest, value)}
