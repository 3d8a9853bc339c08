"""Export observed resources as declarations: the reverse of a comparison.

Output-only fields, default values and secrets are left out and reported. Each declaration is checked: it compares as
equal to the resource that it was exported from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from setpoint.catalog import secrets
from setpoint.comparison import api_quirks, iam_policies, system_fields
from setpoint.comparison.masking import Masking, is_secret
from setpoint.comparison.scalars import is_masked
from setpoint.declarations import export_exclusions, export_hidden
from setpoint.detection import verdict as judging
from setpoint.detection.observed_schema import Schemas
from setpoint.model import field_path
from setpoint.model.declaration import Declaration, Owner, desired
from setpoint.model.difference import Difference, Explanation
from setpoint.model.field_path import Path
from setpoint.model.fleet_rules import Rules
from setpoint.model.naming import camel
from setpoint.model.observation import Observation
from setpoint.model.org_policy_constraints import by_constraint
from setpoint.model.own_project import own_project
from setpoint.model.references import Project

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Field, Schema

SERVER = "written by the server alone"
DEFAULT = "zero, or the API's default"
LABEL = "a label that Google or a controller keeps"
SECRET = "a secret"  # noqa: S105 - the reason, not the secret
HIDDEN = "a value that messages hide"
WITHHELD = (SECRET, HIDDEN)
UNKNOWN = "not in the API's schema"
MOVING = "changed by automation"
UNLIKE = "would not compare as equal to itself"
GOOGLES_GRANT = "Google's own grant, to a service agent or by default"
DELETED = "a member that was deleted"

_SYSTEM_ANYWHERE = frozenset(
    ("etag", "fingerprint", "labelFingerprint", "selfLink", "selfLinkWithId", "creationTimestamp", "resourceVersion")
)
"""Output-only fields at any depth: the ``fingerprint`` of an instance's tags, the ``resourceVersion`` of a policy."""

_CONTROL_PLANE = re.compile(
    r"(serving|client)\.knative\.dev/|run\.googleapis\.com/(operation-id|urls|ingress-status)|cloud\.googleapis\.com/location"
)
"""Annotations and labels of Cloud Run's control plane: https://cloud.google.com/run/docs/reference/rest/v1/ObjectMeta"""


class ExportedDeclaration(msgspec.Struct, frozen=True):
    """The result of an export.

    Args:
        declaration: the declaration; None if there is none.
        left_out: the fields that are left out, with the reasons.
        refusal: why there is no declaration; empty if there is one.
    """

    declaration: Declaration | None
    left_out: tuple[Explanation, ...] = ()
    refusal: str = ""


def export(
    observation: Observation,
    schemas: Schemas,
    owner: Owner = Owner(),  # noqa: B008 - immutable
    masking: Masking | None = None,
) -> ExportedDeclaration:
    """Export an observation as a declaration.

    Args:
        observation: a resource, an IAM policy or organization policies.
        schemas: the schemas of asset types; without a schema output-only fields are unknown, and the export is refused.
        owner: the owner of the declaration.
        masking: leaves out what it hides; None where only secrets are left out.
    """
    if refusal := export_exclusions.refusal(observation):
        return ExportedDeclaration(None, refusal=refusal)
    bare = Declaration(observation.key, observation.asset_type, {}, owner=owner)
    if observation.key.content in ("iam_policy", "org_policy") and masking is not None and _hides(masking, observation):
        return ExportedDeclaration(None, refusal="its policy holds a value that messages hide")
    if observation.key.content == "iam_policy":
        return _of_policy(bare, observation.data, own_project("", observation))
    if observation.key.content == "org_policy":
        return _of_constraints(bare, observation.data)
    schema = schemas.schema_for(
        observation.asset_type, discovery_uri=observation.discovery_uri, discovery_name=observation.discovery_name
    )
    if schema is None:
        return ExportedDeclaration(None, refusal="of a type that no API schema describes")
    return _of_resource(bare, observation, (schema, schemas), masking)


def document(declaration: Declaration, project: str = "") -> dict[str, Any]:
    """The native document of an exported declaration, with keys in their usual order.

    Args:
        declaration: the declaration.
        project: id of the project, if the resource's name does not contain it; empty otherwise.
    """
    owner = {"owner": {"team": declaration.owner.team}} if declaration.owner.team else {}
    content = declaration.key.content
    about = {"content": content} if content != "resource" else {}
    authority = {"authority": declaration.authority} if content == "iam_policy" else {}
    return {
        "apiVersion": "setpoint.dev/v1",
        "kind": "Declaration",
        "metadata": {"name": declaration.key.name, **({"project": project} if project else {}), **owner},
        "spec": {"assetType": declaration.asset_type, **about, **authority, "data": declaration.data},
    }


def _hides(masking: Masking, observation: Observation) -> bool:
    """Whether a value of a policy is hidden in messages."""
    return masking.policy(Difference("", "changed", observed=observation.data)).hidden != ""


def _of_resource(
    bare: Declaration, observation: Observation, known: tuple[Schema, Schemas], masking: Masking | None
) -> ExportedDeclaration:
    """Export a resource's fields, without those that the comparison would report at once."""
    pruning = _Pruning()
    schema, schemas = known
    data = pruning.message(field_path.ROOT, "", schema, None, observation.data)
    if masking is not None:
        data, hidden = export_hidden.without_hidden(data, masking.message(observation.data, schema))
        pruning.left_out += (Explanation(path, HIDDEN) for path in hidden)
    declaration = msgspec.structs.replace(bare, data=data)
    for key in _unlike(declaration, observation, schemas):
        pruning.left_out.append(Explanation(key, UNLIKE))
        del declaration.data[key]
    return ExportedDeclaration(declaration, tuple(pruning.left_out))


def _unlike(declaration: Declaration, observation: Observation, schemas: Schemas) -> list[str]:
    """The top-level fields that the comparison would report."""
    verdict = judging.judge(desired((declaration,)), Rules(), observation, schemas)
    differences = verdict.differences if isinstance(verdict, judging.Verdict) else ()
    return sorted({field_path.parse(difference.path)[0] for difference in differences} & declaration.data.keys())


class _Pruning:
    """The traversal of a resource that keeps the fields to declare, and records the others."""

    def __init__(self) -> None:
        self.left_out: list[Explanation] = []

    def message(
        self, path: Path, name: str, schema: Schema | None, item: Field | None, data: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Prune a message by its schema's fields, or a map by its item field; keys are sorted."""
        kept = {}
        for key in sorted(data):
            value = data[key]
            field = (schema.fields.get(key) or schema.fields.get(camel(key))) if schema is not None else item
            if value is None:
                continue
            if reason := (self._reason((path, key), name, schema, field, value) or _secrecy(data, key, field, value)):
                self.left_out.append(Explanation(field_path.text((path, key)), reason))
                continue
            part = self._value((path, key), key, field, value)
            if schema is None or part == value or not system_fields.is_zero(part):
                kept[key] = part
        return kept

    def _reason(
        self, position: tuple[Path, str], name: str, schema: Schema | None, field: Field | None, value: Any
    ) -> str:
        """Why a field is not declared; empty if it is."""
        parent, key = position
        if system_fields.is_system_label(name, key) or (name in system_fields.LABEL_MAPS and _CONTROL_PLANE.match(key)):
            return LABEL
        if schema is None:
            return ""
        if field is None:
            return UNKNOWN
        if (
            field.output_only
            or key in (_SYSTEM_ANYWHERE if parent else system_fields.SYSTEM_FIELDS)
            or _is_kind(key, value)
        ):
            return SERVER
        if (schema.service, schema.name, key) in export_exclusions.MOVING:
            return MOVING
        return DEFAULT if _is_default(field, key, value) else ""

    def _value(self, path: Path, name: str, field: Field | None, value: Any) -> Any:
        if isinstance(value, dict):
            schema, item = (field.schema, field.item) if field is not None else (None, None)
            return self.message(path, name, schema, item, value)
        if isinstance(value, list):
            item = field.item if field is not None else None
            return [
                self._value((path, field_path.index(index)), name, item, element) for index, element in enumerate(value)
            ]
        return value


def _secrecy(container: Mapping[str, Any], key: str, field: Field | None, value: Any) -> str:
    """Whether a value is a secret: by its field, its name, the name beside it, or its format."""
    if field is not None and field.sensitive:
        return SECRET
    elements = value if isinstance(value, list) else [value]
    if isinstance(value, (bool, dict)) or any(isinstance(element, dict) for element in elements):
        return ""
    entry = container.get("key") or container.get("name")
    name = entry if key == "value" and isinstance(entry, str) else key
    return SECRET if is_secret(name, field) or any(map(_looks_secret, elements)) else ""


def _looks_secret(value: Any) -> bool:
    return is_masked(value) or secrets.looks_secret(value)


def _is_kind(key: str, value: Any) -> bool:
    """Whether a field is ``kind``, as in ``compute#firewall``, which some documents do not mark as output-only."""
    return key == "kind" and isinstance(value, str) and "#" in value


def _is_default(field: Field, key: str, value: Any) -> bool:
    if system_fields.is_zero(value) or api_quirks.is_hidden(key, field, value):
        return True
    return value in ("0", "0s", "false") and (field.type != "string" or bool(field.format))


def _of_policy(bare: Declaration, policy: Mapping[str, Any], own: Project) -> ExportedDeclaration:
    """Export all grants of a policy by role and member, except Google's own; audit configs are unchanged."""
    bindings, left_out = [], []
    for binding in sorted(policy.get("bindings") or (), key=_by_role):
        condition = {"condition": dict(binding["condition"])} if binding.get("condition") else {}
        members = []
        for member in sorted(binding.get("members") or ()):
            if iam_policies.is_deleted(member):
                left_out.append(Explanation(f"{binding['role']} for {member}", DELETED))
            elif _is_googles_own({**binding, "members": [member]}, own):
                left_out.append(Explanation(f"{binding['role']} for {member}", GOOGLES_GRANT))
            else:
                members.append(member)
        if members:
            bindings.append({"role": binding["role"], "members": members, **condition})
    audited = {"auditConfigs": policy["auditConfigs"]} if policy.get("auditConfigs") else {}
    if not bindings and not audited:
        return ExportedDeclaration(None, tuple(left_out), "holds no grants but Google's own")
    return ExportedDeclaration(msgspec.structs.replace(bare, data={"bindings": bindings, **audited}), tuple(left_out))


def _is_googles_own(binding: Mapping[str, Any], own: Project) -> bool:
    return any(iam_policies.is_googles_own(grant, own) for grant in iam_policies.grants({"bindings": [binding]}))


def _by_role(binding: Mapping[str, Any]) -> tuple[str, str]:
    return str(binding.get("role", "")), str((binding.get("condition") or {}).get("expression", ""))


def _of_constraints(bare: Declaration, policies: Iterable[Any]) -> ExportedDeclaration:
    """Export the policies of a resource by constraint, without output-only fields."""
    constraints = by_constraint(list(policies))
    if not constraints:
        return ExportedDeclaration(None, refusal="sets no constraint")
    data = {"policies": [{"constraint": name, **_rest(constraints[name])} for name in sorted(constraints)]}
    return ExportedDeclaration(msgspec.structs.replace(bare, data=data))


def _rest(policy: Mapping[str, Any]) -> dict[str, Any]:
    return {key: policy[key] for key in sorted(policy) if key != "constraint"}
