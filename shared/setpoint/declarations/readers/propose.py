"""Propose a change of the author's file that accepts the observed state.

Only differing values are changed; comments, order and quoting are preserved. Secrets, values from elsewhere and values
that cannot be written separately are reported as manual steps. The changed text is parsed again, and checked to contain
exactly this change.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from setpoint.comparison import iam_policies
from setpoint.declarations import proposal_lines
from setpoint.declarations.readers import documents, krm, krm_kinds, native, terraform
from setpoint.declarations.readers.document_path import DocumentPath
from setpoint.declarations.readers.documents import Document
from setpoint.declarations.readers.terraform_propose import as_attributes
from setpoint.declarations.readers.yaml_edit import Edit, NotRewritableError, rewrite
from setpoint.model import field_path
from setpoint.model.declaration import Declaration
from setpoint.model.difference import Difference
from setpoint.model.secrecy import holds_hidden


class Proposal(NamedTuple):
    """A proposed change of a file.

    Args:
        text: the whole changed file; unchanged if nothing can be proposed.
        by_hand: the manual steps, one line per field.
    """

    text: str
    by_hand: tuple[str, ...] = ()


class _ByHandError(Exception):
    """A difference that needs a manual step, with the reason."""


def propose(text: str, declaration: Declaration, differences: Sequence[Difference]) -> Proposal:
    """Change a file so that it declares the observed state.

    Args:
        text: the file of the declaration.
        declaration: the declaration, with its source.
        differences: all differences, with secrets masked.
    """
    if "\r\n" in text:  # differences are computed on text with "\n" line ends
        changed = propose(text.replace("\r\n", "\n"), declaration, differences)
        return changed._replace(text=changed.text.replace("\n", "\r\n"))
    source = declaration.source
    document = _document(text, declaration)
    if document is None:
        why = f"{source} no longer holds the declaration of {declaration.key.name}"
        return Proposal(text, (f"{why}; apply what is there, and look again",))
    if terraform.is_terraform(document.value):
        return Proposal(text, as_attributes(document.value, differences))
    done: list[Edit] = []
    by_hand: list[str] = []
    value = copy.deepcopy(document.value)
    for difference in _in_order(differences):
        try:
            edits = list(_edits(declaration, value, difference))
            _rewritten(text, document, [*done, *edits])
        except (_ByHandError, NotRewritableError) as why:
            by_hand.append(f"{proposal_lines.line(declaration, difference)} ({why})")
            continue
        done += edits
        for edit in edits:
            _apply(value, edit)
    return Proposal(_rewritten(text, document, done) if done else text, tuple(by_hand))


def _document(text: str, declaration: Declaration) -> Document | None:
    """The document of a resource: at its recorded position, or elsewhere in its file."""
    parsed = [document for document in documents.parse(text, declaration.source.file) if isinstance(document, Document)]
    parsed.sort(key=lambda document: document.position != declaration.source.document)
    return next((document for document in parsed if _declares(document, declaration)), None)


def _declares(document: Document, declaration: Declaration) -> bool:
    value = document.value
    if terraform.is_terraform(value):
        return True
    if native.is_native(value):
        read = native.read(document)
        return isinstance(read, Declaration) and read.key == declaration.key
    return krm.is_krm(value) and _names(value, declaration)


def _names(value: Any, declaration: Declaration) -> bool:
    """Whether a Config Connector object has the name of a declaration, as far as it determines its name."""
    metadata, spec = value.get("metadata"), value.get("spec")
    name = metadata.get("name", "") if isinstance(metadata, dict) else ""
    own = spec.get("resourceID") if isinstance(spec, dict) else None
    kind = krm_kinds.of(value)
    wanted = str(own or name).rpartition("/")[2]
    segments = (
        segment.partition("@")[0] for segment in declaration.key.name.split("/")
    )  # service accounts: by address
    return kind.asset_type == declaration.asset_type and wanted.partition("@")[0] in segments


def _in_order(differences: Iterable[Difference]) -> list[Difference]:
    """Order edits: changed values first, then additions at the end, then removals from the end of lists.

    In this order no position changes, and nothing is removed that another edit adds to.
    """
    order = {"changed": 0, "unexpected": 1, "missing": 2}
    backwards = sorted(differences, key=lambda difference: _numbers(difference.path), reverse=True)
    return sorted(backwards, key=lambda difference: order[difference.op])


def _numbers(path: str) -> tuple[tuple[int, str], ...]:
    inner = ((part[1:-1], part) for part in field_path.readable(path))
    return tuple((int(key), "") if key.isdecimal() else (-1, part) for key, part in inner)


def _edits(declaration: Declaration, value: Any, difference: Difference) -> Iterator[Edit]:
    """The edits that resolve a difference.

    Raises:
        _ByHandError: it needs a manual step.
    """
    if _is_masked(difference.declared) or _is_masked(difference.observed):
        raise _ByHandError("a secret is never proposed")
    if native.is_native(value):
        if declaration.key.content == "iam_policy":
            yield from _grants(value, difference)
            return
        if declaration.key.content == "org_policy":
            raise _ByHandError("change the organisation policy manually")
        yield from _field(value, ("spec", "data"), field_path.readable(difference.path), difference)
    else:
        if declaration.key.content != "resource" or not difference.declared_path:
            raise _ByHandError("it is written in another shape")
        yield from _field(value, (), field_path.readable(difference.declared_path), difference)


def _field(value: Any, above: DocumentPath, parts: tuple[str, ...], difference: Difference) -> Iterator[Edit]:
    observed = difference.observed
    where, node = _walk(value, above, parts[:-1])
    if not parts or _is_krm_default(value, parts):
        raise _ByHandError("it is not written as a field of its own")
    last = parts[-1]
    step = _step(node, last)
    if difference.op == "unexpected":
        yield _added(where, node, last, observed)
    elif step is None:
        raise _ByHandError("it is not written there")
    elif difference.op == "missing":
        yield _removed(value, above, (*where, step[0]))
    else:
        yield from _changed((*where, step[0]), step[1], last, observed)


def _is_krm_default(value: Any, parts: tuple[str, ...]) -> bool:
    """Whether a path of a Config Connector object is a part of its name, and no data."""
    return krm.is_krm(value) and parts[0] not in ("spec", "metadata")


def _added(where: DocumentPath, node: Any, last: str, observed: Any) -> Edit:
    if isinstance(last, field_path.Element):
        if not isinstance(node, list):
            raise _ByHandError("there is no such list")
        return Edit(where, "append", observed) if node else Edit(where, "set", [observed])
    if node is None or node == {}:
        return Edit(where, "set", {last: observed})
    if not isinstance(node, dict):
        raise _ByHandError("there is no such mapping")
    return Edit((*where, last), "add", observed)


def _removed(value: Any, above: DocumentPath, where: DocumentPath) -> Edit:
    """Remove a value, and the mappings that become empty."""
    while len(where) - 1 > len(above) and isinstance(where[-2], str):
        holder = _get(value, where[:-1])
        if not isinstance(holder, dict) or len(holder) > 1:
            break
        where = where[:-1]
    if where[:2] == ("spec", "data") and len(where) == 2:  # noqa: PLR2004 - the whole of what is declared
        raise _ByHandError("nothing would be declared any more")
    return Edit(where, "remove")


def _changed(where: DocumentPath, before: Any, last: str, observed: Any) -> Iterator[Edit]:
    if isinstance(before, dict):
        if not (last.endswith("Ref") and isinstance(observed, str)):
            raise _ByHandError("it is written in another shape")
        yield Edit(where, "set", {"external": observed})
        return
    if isinstance(before, list):
        if not isinstance(observed, list):
            raise _ByHandError("it is written in another shape")
        yield from _changed_list(where, before, observed)
        return
    yield Edit(where, "set", observed)


def _changed_list(where: DocumentPath, before: list[Any], observed: list[Any]) -> Iterator[Edit]:
    """Edit the differing elements if that gives the observed list; otherwise replace the list."""
    if any(isinstance(element, (dict, list)) for element in (*before, *observed)):
        raise _ByHandError("the order of its elements is another")
    kept = [element for element in before if element in observed]
    more = [element for element in observed if element not in before]
    if not kept or kept + more != observed:
        yield Edit(where, "set", observed)
        return
    for index in range(len(before) - 1, -1, -1):
        if before[index] not in observed:
            yield Edit((*where, index), "remove")
    for element in more:
        yield Edit(where, "append", element)


def _grants(value: Any, difference: Difference) -> Iterator[Edit]:
    """Remove a grant from its binding, or add it to the binding of its role and condition."""
    given = difference.declared if difference.op == "missing" else difference.observed
    if not iam_policies.is_grant(given):
        raise _ByHandError("change the audit configuration manually")
    wanted = iam_policies.grant(given, given["member"])
    bindings = value["spec"]["data"]["bindings"]
    above: DocumentPath = ("spec", "data", "bindings")
    fitting = [
        index for index, binding in enumerate(bindings) if iam_policies.grant(binding, given["member"]) == wanted
    ]
    if difference.op == "missing":
        for index in reversed(fitting):
            members = bindings[index]["members"]
            if all(iam_policies.grant(bindings[index], member) == wanted for member in members):
                yield Edit((*above, index), "remove")
                continue
            for place in range(len(members) - 1, -1, -1):
                if iam_policies.grant(bindings[index], members[place]) == wanted:
                    yield Edit((*above, index, "members", place), "remove")
    elif fitting:
        where: DocumentPath = (*above, fitting[0], "members")
        held = bindings[fitting[0]]["members"]
        yield Edit(where, "append", given["member"]) if held else Edit(where, "set", [given["member"]])
    else:
        binding = {"role": given["role"], "members": [given["member"]]}
        if condition := {key: part for key, part in (given.get("condition") or {}).items() if part}:
            binding["condition"] = condition
        yield Edit(above, "append", binding) if bindings else Edit(above, "set", [binding])


def _walk(value: Any, above: DocumentPath, parts: Iterable[str]) -> tuple[DocumentPath, Any]:
    """The position of a path in a document, and its value."""
    where, node = above, _get(value, above)
    for part in parts:
        step = _step(node, part)
        if step is None:
            raise _ByHandError("it is not written there")
        where, node = (*where, step[0]), step[1]
    return where, node


def _step(node: Any, part: str) -> tuple[str | int, Any] | None:
    if isinstance(node, dict) and not isinstance(part, field_path.Element):
        return (part, node[part]) if part in node else None
    if not isinstance(node, list) or not isinstance(part, field_path.Element):
        return None
    position = field_path.position_of(part, node)
    return None if position is None else (position, node[position])


def _get(value: Any, where: DocumentPath) -> Any:
    for part in where:
        value = value[part]
    return value


def _apply(value: Any, edit: Edit) -> None:
    """Apply an edit to the parsed value."""
    if edit.action == "append":
        _get(value, edit.where).append(copy.deepcopy(edit.value))
        return
    holder, last = _get(value, edit.where[:-1]), edit.where[-1]
    if edit.action == "remove":
        del holder[last]
    else:
        holder[last] = copy.deepcopy(edit.value)


def _rewritten(text: str, document: Document, edits: list[Edit]) -> str:
    """Apply edits of one document to its file.

    Raises:
        NotRewritableError: the parsed result differs in more than these edits.
    """
    as_json = document.file.endswith((".json", ".jsonl"))
    start, before = _part(text, document, as_json=as_json)
    above = _above(document, before, as_json=as_json)
    after = rewrite(before, [edit._replace(where=(*above, *edit.where)) for edit in edits], as_json=as_json)
    dashes = text[start : start + 3]
    if dashes == "---":  # the document starts on the separator's line
        after = dashes + after[3:]
    changed = text[:start] + after + text[start + len(before) :]
    wanted = [parsed.value for parsed in documents.parse(text, document.file) if isinstance(parsed, Document)]
    wanted[document.position] = copy.deepcopy(wanted[document.position])
    for edit in edits:
        _apply(wanted[document.position], edit)
    if [parsed.value for parsed in documents.parse(changed, document.file) if isinstance(parsed, Document)] != wanted:
        raise NotRewritableError("it cannot be written without changing something else")
    return changed


def _part(text: str, document: Document, *, as_json: bool) -> tuple[int, str]:
    """The start of the text around a document in its file, and that text."""
    if as_json:
        lines = text.splitlines(keepends=True)
        start = text.find(document.text, sum(len(line) for line in lines[: document.text_line - 1]))
        return start, document.text
    lines = list(documents.lines(text))
    return sum(len(line) for line in lines[: document.text_line - 1]), document.text


def _above(document: Document, part: str, *, as_json: bool) -> DocumentPath:
    """The path of a document in its text, which may contain a list of documents."""
    whole = next(documents.whole(part, as_json=as_json), None)
    if isinstance(whole, list):
        return (_index(whole, document),)
    if isinstance(whole, dict) and whole is not document.value and whole.get("kind") == "List":
        return ("items", _index(whole["items"], document))
    return ()


def _index(several: list[Any], document: Document) -> int:
    same = [index for index, element in enumerate(several) if element == document.value]
    if len(same) != 1:
        raise NotRewritableError("two documents of a list are alike")
    return same[0]


def _is_masked(value: Any) -> bool:
    return holds_hidden(value)
