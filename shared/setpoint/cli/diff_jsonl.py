"""Requests to ``setpoint diff --jsonl``, with one declared and one live resource each, and the responses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from setpoint.catalog.schemas import Schema, default_catalogue
from setpoint.comparison import coverage_gaps, explain, recorded_values
from setpoint.comparison.api_versions import aligned
from setpoint.comparison.explain import ExplainedComparison
from setpoint.declarations.readers import krm, krm_parts, terraform, terraform_match
from setpoint.declarations.readers.translation import Translated
from setpoint.errors import BadRequest, SetpointError
from setpoint.model import references
from setpoint.model.decode_errors import reason_of
from setpoint.model.difference import Explanation
from setpoint.model.resource_key import project_of

Verdict = Literal["in_sync", "drift", "unknown"]


class ProjectPair(msgspec.Struct, frozen=True):
    """A project by its two names."""

    id: str = ""
    number: str = ""


class DiffRequest(msgspec.Struct, frozen=True):
    """Compare a live resource with its declaration.

    Args:
        id: comes back with the answer.
        format: how ``declared`` is written.
        declared: the declaration.
        live: the resource as its API or the inventory gives it.
        asset_type: Cloud Asset Inventory's type.
        full_name: full resource name.
        dependencies: declarations that the declared one refers to.
        project: the project that holds the resource.
    """

    id: Any
    declared: Any
    live: dict[str, Any]
    asset_type: str = ""
    full_name: str = ""
    format: str = "api"
    dependencies: list[Any] = []
    project: ProjectPair = ProjectPair()


class AnsweredDifference(msgspec.Struct, omit_defaults=True):
    """One field that is not as declared, in the API's terms and, where known, in the author's.

    Args:
        path: the field, as the API names it.
        op: ``changed``, ``missing`` or ``unexpected``.
        declared: the declared value; absent where nothing is declared.
        observed: the observed value; absent where nothing is observed.
        declared_path: the field, as the author wrote it; absent if it is spelled the same, or unknown.
        immutable: whether only replacing the resource changes it.
        kind: ``undeclared_change`` if a state recorded an undeclared value; else absent.
    """

    path: str
    op: str
    declared: Any = msgspec.UNSET
    observed: Any = msgspec.UNSET
    declared_path: str = ""
    immutable: bool = False
    kind: str = ""


class DiffResponse(msgspec.Struct, omit_defaults=True):
    """The verdict on one question.

    Args:
        id: that of the request.
        verdict: ``unknown`` where nothing differs and a field that matters to security could not be compared, or
            where the request cannot be answered.
        differences: the fields that differ.
        checked: number of declared fields that were compared.
        unchecked: declared fields that could not be compared.
        pending: fields that a plan knows only after apply.
        unknown: unchecked fields that matter to security, with the reason.
        error: what is wrong with the request; absent if nothing is.
    """

    id: Any
    verdict: Verdict
    differences: list[AnsweredDifference]
    checked: int = msgspec.field(default=-1)
    unchecked: list[str] = []
    pending: list[str] = []
    unknown: list[str] = []
    error: str = ""


_decode = msgspec.json.Decoder(dict[str, Any]).decode


def _request_in(line: bytes) -> DiffRequest:
    """Read a question; null is as good as nothing, and a number may be one."""
    asked = _decode(line)
    project = asked.get("project")
    if isinstance(project, dict):
        asked["project"] = {key: str(value) for key, value in project.items() if value is not None}
    return msgspec.convert(
        {key: value for key, value in asked.items() if value is not None or key == "id"}, DiffRequest
    )


LARGEST_LINE = 20_000_000
"""Maximum size of a question in bytes, of two resources of 10 MB."""


def answer(line: bytes) -> DiffResponse:
    """Answer one line of ``diff --jsonl``; never raises for a bad line, whose answer holds the error.

    Args:
        line: a ``DiffRequest`` as JSON.
    """
    if len(line) > LARGEST_LINE:
        error = f"not a DiffRequest: a line of more than {LARGEST_LINE:,} bytes"
        return DiffResponse(None, "unknown", [], error=error)
    try:
        question = _request_in(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return DiffResponse(_id_of(line), "unknown", [], error=f"not a DiffRequest: {reason_of(error)}")
    reader = _ANSWERS.get(question.format)
    if reader is None:
        return DiffResponse(question.id, "unknown", [], error=f"format must be {' or '.join(_ANSWERS)}")
    try:
        return reader(question)
    except SetpointError as error:
        return DiffResponse(question.id, "unknown", [], error=str(error))
    except Exception as error:  # noqa: BLE001 - an unexpected error must not affect other requests
        return DiffResponse(question.id, "unknown", [], error=f"unexpected error: {type(error).__name__}: {error}")


def own_project(question: DiffRequest) -> references.Project:
    """The project of the resource: from its full name, else from ``project``; empty fields where neither names it."""
    named = project_of(question.full_name)
    if named and not named.isdigit() and named != question.project.id:
        return references.Project(named)  # the name is the resource's own; the question's project is another one
    identifier = question.project.id or ("" if named.isdigit() else named)
    return references.Project(identifier, question.project.number or (named if named.isdigit() else ""))


def _as_api(question: DiffRequest) -> DiffResponse:
    if not isinstance(question.declared, dict):
        raise BadRequest("`declared` must be an object")
    schema = default_catalogue().fitting(question.asset_type, question.live)
    declared, live, schema = one_version(question.asset_type, question.declared, question.live, schema)
    explained = explain.examine(declared, live, schema, own_project(question))
    return answered(
        question.id,
        explain.as_inventoried(explained, question.asset_type, question.live, schema, versions_of(question.asset_type)),
    )


def one_version(
    asset_type: str, declared: Any, live: Any, schema: Schema | None
) -> tuple[dict[str, Any], dict[str, Any], Schema | None]:
    """Convert both sides to one API version, as ``detect`` does before it compares them.

    Returns:
        The declared fields, the live fields, and the schema of that version; None without one.
    """
    sides = aligned(asset_type, declared, live)
    if sides.discovery_uri:
        schema = default_catalogue().schema_for(
            asset_type, discovery_uri=sides.discovery_uri, discovery_name=sides.discovery_name
        )
    return sides.declared, sides.observed, schema


def versions_of(asset_type: str) -> tuple[Schema, ...]:
    """The schemas of all API versions of a type; empty for an unknown or empty type."""
    return default_catalogue().schemas_for(asset_type) if asset_type else ()


def answered(identifier: Any, explained: ExplainedComparison) -> DiffResponse:
    """Write a comparison as an answer: drift, in sync, or unknown where a field that matters to security is unchecked.

    Args:
        identifier: the ``id`` of the question, whatever it is.
        explained: the comparison.
    """
    unknown = coverage_gaps.unknown(explained.unchecked)
    return DiffResponse(
        identifier,
        "drift" if explained.differences else "unknown" if unknown else "in_sync",
        [
            AnsweredDifference(
                difference.path, difference.op, difference.declared, difference.observed, immutable=difference.immutable
            )
            for difference in explained.differences
        ],
        checked=explained.checked,
        unchecked=[note.path for note in explained.unchecked],
        unknown=[f"{note.path}: {note.reason}" for note in unknown],
    )


def _as_krm(question: DiffRequest) -> DiffResponse:
    if not krm.is_krm(question.declared):
        raise BadRequest("`declared` must be a Config Connector object")
    if (part := krm_parts.of(question.declared, question.asset_type)) is not None:
        element = krm.translate_part(
            question.declared,
            krm.Objects(question.dependencies),
            part,
            name=question.full_name,
            asset_type=question.asset_type,
        )
        live = krm_parts.only_element(question.live, part, krm_parts.key_of(part, question.declared))
        schema = default_catalogue().schema_for(question.asset_type)
        return _translated(msgspec.structs.replace(question, live=live), element, schema)
    objects = krm.Objects(question.dependencies)
    related = krm.related(question.declared, objects, name=question.full_name, asset_type=question.asset_type)
    if related is not None:
        return _translated(question, related, default_catalogue().schema_for(question.asset_type))
    if krm.describes_other_type(question.declared, question.asset_type):
        alien = krm.uncomparable(question.declared, name=question.full_name, asset_type=question.asset_type)
        return _translated(question, alien, None)
    schema = krm.schema_of(question.declared, question.asset_type, question.live)
    translated = krm.translate(
        question.declared,
        objects,
        name=question.full_name,
        asset_type=question.asset_type,
        schema=schema,
    )
    return _translated(question, translated, schema)


def _as_terraform(question: DiffRequest) -> DiffResponse:
    if not terraform.is_terraform(question.declared):
        raise BadRequest("`declared` must be a plan or a state, raw or as `terraform show -json` writes it")
    own = own_project(question)
    parts = terraform_match.find_parts(question.declared, question.asset_type, question.full_name, own)
    if not parts:
        raise BadRequest(f"no resource of the plan declares {question.full_name} ({question.asset_type})")
    part = terraform_match.most_similar(parts, question.live)
    schema = default_catalogue().fitting(question.asset_type, question.live)
    translated = terraform.translate(part, (schema,) if schema is not None else ())
    live = question.live
    if terraform_match.is_before_apply(question.declared):
        live = dict(terraform_match.as_api(live, schema))
        if not terraform_match.is_answer(live, schema):
            translated = terraform_match.sent(translated, live, schema)
    return _translated(msgspec.structs.replace(question, live=live), translated, schema)


def _translated(question: DiffRequest, translated: Translated, schema: Schema | None) -> DiffResponse:
    """The answer in the author's words, with what could not be translated among the unchecked."""
    named = str(translated.declaration.project)
    own = own_project(question)
    # An author names what an API may answer by its id, and a project by an id that has another name by now.
    own = own._replace(ids_for_names=True, alias="" if named in (own.id, own.number) else named)
    declared, live, schema = one_version(question.asset_type, translated.declaration.data, question.live, schema)
    explained = explain.examine(
        declared,
        live,
        schema,
        own,
        whole=translated.whole,
        null_is_absent=translated.declaration.null_is_absent,
        digests=translated.declaration.digests,
    )
    answer = answered(
        question.id,
        explain.as_inventoried(explained, question.asset_type, question.live, schema, versions_of(question.asset_type)),
    )
    for difference in answer.differences:
        difference.declared_path = translated.declared_path(difference.path)
        difference.kind = recorded_values.kind_of(difference.path, translated.declaration.recorded)
    untranslated = coverage_gaps.unknown(
        Explanation(path, coverage_gaps.NOT_TRANSLATED) for path in translated.unchecked
    )
    answer.unknown += (f"{note.path}: {note.reason}" for note in untranslated)
    if untranslated and not answer.differences:
        answer.verdict = "unknown"
    answer.pending = list(translated.pending)
    known = (path for path in translated.unchecked if path not in translated.pending)
    answer.unchecked = [*known, *(translated.declared_path(path) for path in answer.unchecked)]
    return answer


_ANSWERS: dict[str, Callable[[DiffRequest], DiffResponse]] = {
    "api": _as_api,
    "krm": _as_krm,
    "terraform": _as_terraform,
}


def _id_of(line: bytes) -> Any:
    """The id of an invalid request, so that its response can be assigned."""
    try:
        return msgspec.json.decode(line)["id"]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, KeyError, TypeError):
        return None
