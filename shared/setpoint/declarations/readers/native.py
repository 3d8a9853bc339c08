"""The native format: ``apiVersion: setpoint.dev/v1`` with the kinds ``Declaration``, ``Scope`` and ``Policy``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    BaseModel,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from setpoint.declarations.readers import (
    alerting,
    documents,
    krm_defaults,
    org_policies,
    policies,
    policy_tests,
    pydantic_base,
    source_documents,
)
from setpoint.declarations.readers.alerting import AlertingModel
from setpoint.declarations.readers.documents import Document, Problem
from setpoint.declarations.readers.krm_defaults import DefaultsModel, DocumentDefaults
from setpoint.declarations.readers.owners import owner_of
from setpoint.declarations.readers.policies import PolicyModel
from setpoint.declarations.readers.policy_tests import PolicyTest, PolicyTestModel
from setpoint.declarations.readers.pydantic_base import NonEmpty, OwnerModel, Settle, StrictModel
from setpoint.declarations.readers.source_documents import SourcesModel
from setpoint.errors import BadDeclaration
from setpoint.model import field_path, resource_key
from setpoint.model.alerting_config import Alerting
from setpoint.model.declaration import Authority, Declaration, Mode, Owner, Scope, Selection, Source
from setpoint.model.policy import Policy
from setpoint.model.resource_key import Content, ResourceKey
from setpoint.model.source_grants import Sources
from setpoint.util.texts import clip, quoted

API_VERSION = "setpoint.dev/v1"

_AssetType = Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]+\.[a-z0-9-]+/[A-Za-z0-9]+$")]


class Metadata(StrictModel):
    """The name, project and owner of a declared resource."""

    name: str = Field(description="full resource name, //service.googleapis.com/path")
    project: str = ""
    owner: OwnerModel = OwnerModel()

    @field_validator("name")
    @classmethod
    def _is_full_name(cls, value: str) -> str:
        if not resource_key.is_full_name(value):
            raise ValueError("not a full resource name; use the form //storage.googleapis.com/my-bucket")
        return value.rstrip("/")


class Remediation(StrictModel):
    """The remediation mode; of this and the policy's, the more restrictive applies."""

    mode: Mode | None = None


class Spec(StrictModel):
    """The desired state."""

    asset_type: _AssetType = Field(description="Cloud Asset Inventory's type, compute.googleapis.com/Firewall")
    content: Content = "resource"
    authority: Authority = "policy"
    data: dict[str, Any] = Field(description="declared fields in the API's own shape")
    exact: bool | tuple[NonEmpty, ...] = Field(
        default=False, description="true: undeclared fields are drift, too; paths: only below these objects and maps"
    )
    ignore: tuple[NonEmpty, ...] = ()
    settle: Settle = None
    remediation: Remediation = Remediation()

    @field_validator("ignore", "exact")
    @classmethod
    def _are_paths(cls, value: bool | tuple[str, ...]) -> bool | tuple[str, ...]:  # noqa: FBT001 - pydantic calls it
        for pattern in () if isinstance(value, bool) else value:
            try:
                field_path.parse(pattern)
            except BadDeclaration as error:
                raise ValueError(str(error)) from None
        return value

    @model_validator(mode="after")
    def _fits_its_content(self) -> Spec:
        if self.content == "iam_policy":
            _check_policy(self.data)
        elif self.authority != "policy":
            raise ValueError("`authority` is for content: iam_policy")
        if self.content in resource_key.WHOLE and self.content != (meant := resource_key.content_of(self.asset_type)):
            raise ValueError(f"{self.asset_type} is declared with content: {meant}")
        return self


class DeclarationModel(StrictModel):
    """The desired state of one resource."""

    api_version: Literal["setpoint.dev/v1"]
    kind: Literal["Declaration"]
    metadata: Metadata
    spec: Spec


class ScopeMetadata(StrictModel):
    """The name and the owner of a scope."""

    name: NonEmpty
    owner: OwnerModel = OwnerModel()


class SelectionModel(StrictModel):
    """Conditions on resources. All must hold."""

    projects: tuple[NonEmpty, ...] = Field((), description="ids or numbers")
    folders: tuple[pydantic_base.Folder, ...] = Field((), description="numbers; includes everything below")
    organizations: tuple[pydantic_base.Organization, ...] = Field((), description="numbers; includes everything below")
    labels: dict[NonEmpty, str] = Field({}, description="all of these labels; * for any value")
    asset_types: tuple[pydantic_base.AssetTypes, ...] = Field(
        (), description="types, or globs as compute.googleapis.com/*"
    )

    def ancestors(self) -> tuple[str, ...]:
        """Folders and organizations in the inventory's format."""
        return pydantic_base.ancestors(self.folders, self.organizations)


class ExceptionModel(SelectionModel):
    """Resources of a scope that need no declaration."""

    @model_validator(mode="after")
    def _is_not_empty(self) -> ExceptionModel:
        if not (self.projects or self.ancestors() or self.labels or self.asset_types):
            raise ValueError("is empty: give projects, folders, organizations, labels or assetTypes")
        return self


class ScopeSpec(SelectionModel):
    """A fully declared part of the fleet."""

    asset_types: Annotated[tuple[pydantic_base.AssetTypes, ...], Field(min_length=1, description="* for all types")]
    exceptions: tuple[ExceptionModel, ...] = Field((), alias="except", description="resources that need no declaration")
    strict: bool = Field(default=False, description="auto-created resources must be declared, too")
    contents: tuple[Literal["resource", "iam_policy"], ...] = Field(
        ("resource",), min_length=1, description="iam_policy: every grant of these resources must be declared"
    )
    settle: Settle = None
    remediation: Remediation = Remediation()

    @model_validator(mode="after")
    def _has_place(self) -> ScopeSpec:
        if "iam_policy" in self.contents and self.labels:
            raise ValueError("has labels, which IAM policies do not have: give projects, folders or organizations")
        if not (self.projects or self.ancestors()):
            raise ValueError("has no place: give projects, folders or organizations")
        return self


class ScopeModel(StrictModel):
    """A fully declared part of the fleet: a resource without a declaration there is unmanaged."""

    api_version: Literal["setpoint.dev/v1"]
    kind: Literal["Scope"]
    metadata: ScopeMetadata
    spec: ScopeSpec


NativeDocument = Declaration | Scope | Policy | Alerting | Sources | DocumentDefaults | tuple[PolicyTest, ...]
"""The content of a native document."""

KINDS: dict[
    str,
    type[DeclarationModel | ScopeModel | PolicyModel | AlertingModel | SourcesModel | PolicyTestModel | DefaultsModel],
] = {
    "Declaration": DeclarationModel,
    "Scope": ScopeModel,
    "Policy": PolicyModel,
    "Alerting": AlertingModel,
    "Sources": SourcesModel,
    "PolicyTest": PolicyTestModel,
    "Defaults": DefaultsModel,
}


def is_native(value: Any) -> bool:
    """Whether a document is meant as a native one, misspelled or not."""
    if not isinstance(value, dict):
        return False
    if str(value.get("apiVersion", "")).startswith("setpoint.dev/"):
        return True
    metadata = value.get("metadata")
    named = metadata.get("name") if isinstance(metadata, dict) else None
    return isinstance(named, str) and named.startswith("//")


def read(document: Document) -> NativeDocument | list[Problem]:
    """Read a document; errors are reported by field."""
    kind = document.value.get("kind")
    model = KINDS.get(kind) if isinstance(kind, str) else None
    if model is None:
        known = " or ".join(KINDS)
        return [
            document.problem(
                ("kind",),
                f"{kind or 'nothing'} is not possible; must be {known}{_nearest(kind, KINDS)}",
            )
        ]
    try:
        checked = model.model_validate(document.value)
    except ValidationError as error:
        return [_problem(document, model, fault) for fault in error.errors(include_url=False, include_input=False)]
    source = Source(file=document.file, line=document.line, document=document.position)
    if not isinstance(checked, DeclarationModel):
        return _OTHERS[type(checked)](checked, source)
    try:
        return _declaration(checked, source)
    except org_policies.OrgPolicyError as fault:
        where = ("spec", "data", *fault.where)
        return [document.problem(where, fault.message)]


def _declaration(checked: DeclarationModel, source: Source) -> Declaration:
    metadata, spec = checked.metadata, checked.spec
    content: Content = spec.content
    policies_ = org_policies.read(spec.data) if content == "org_policy" else org_policies.OrgPolicyFields(spec.data)
    return Declaration(
        key=ResourceKey(metadata.name, content),
        asset_type=spec.asset_type,
        data=policies_.data,
        project=metadata.project or resource_key.project_of(metadata.name),
        owner=_owner(metadata.owner),
        authority=spec.authority,
        exact=spec.exact is True,
        exhaustive_paths=() if isinstance(spec.exact, bool) else spec.exact,
        ignore=spec.ignore,
        mode=spec.remediation.mode,
        source=source,
        settle=spec.settle,
        unchecked=tuple(documents.place_text(("spec", "data", *where)) for where in policies_.unchecked),
    )


def _scope(checked: ScopeModel, source: Source) -> Scope:
    return Scope(
        name=checked.metadata.name,
        projects=checked.spec.projects,
        asset_types=checked.spec.asset_types,
        owner=_owner(checked.metadata.owner),
        mode=checked.spec.remediation.mode,
        source=source,
        settle=checked.spec.settle,
        ancestors=checked.spec.ancestors(),
        labels=checked.spec.labels,
        exceptions=tuple(_selection(exception) for exception in checked.spec.exceptions),
        strict=checked.spec.strict,
        contents=() if checked.spec.contents == ("resource",) else checked.spec.contents,
    )


_OTHERS: dict[type[StrictModel], Callable[[Any, Source], NativeDocument]] = {
    ScopeModel: _scope,
    PolicyModel: policies.policy,
    AlertingModel: alerting.alerting,
    SourcesModel: source_documents.sources,
    PolicyTestModel: policy_tests.tests,
    DefaultsModel: krm_defaults.defaults,
}
"""Conversions of validated documents other than declarations."""


def _selection(model: SelectionModel) -> Selection:
    return Selection(model.projects, model.ancestors(), model.labels, model.asset_types)


def _owner(model: OwnerModel) -> Owner:
    return owner_of(model.team, model.slack, model.email)


def _check_policy(data: dict[str, Any]) -> None:
    bindings = data.get("bindings")
    if not isinstance(bindings, list):
        raise ValueError("`data.bindings` must be a list of {role, members}")  # noqa: TRY004 - pydantic wants this one
    for index, binding in enumerate(bindings):
        members = binding.get("members") if isinstance(binding, dict) else None
        if not isinstance(members, list) or not isinstance(binding.get("role"), str):
            raise ValueError(f"`data.bindings[{index}]` must be {{role, members}}")  # noqa: TRY004 - as above


def _problem(document: Document, model: type[BaseModel], error: Any) -> Problem:
    where = error["loc"]
    message = _WORDS.get(error["type"], "")
    if error["type"] == "string_pattern_mismatch":
        looks = _EXAMPLES.get(str(next((part for part in reversed(where) if isinstance(part, str)), "")), "")
        message = f"has the wrong form{f'; use the form {looks}' if looks else ''}"
    message = message or re.sub(r"^(Value error, |Assertion failed, )", "", error["msg"])
    message = re.sub(r"^Input should be (a valid )?", "must be ", message)
    message = re.sub(
        r"^(?:Tuple|List|Dictionary|Set) should have (.*?)(?: after validation.*)?$", r"must have \1", message
    )
    if error["type"] == "extra_forbidden":
        message = "no such field" + _nearest(where[-1], _fields_at(model, where[:-1]))
    elif error["type"] == "missing":
        message = "is missing"
    elif error["type"] == "literal_error":
        given = _value(document.value, where)
        possible = quoted(error["ctx"]["expected"])
        message = f"{given} is not possible; {message}{_nearest(given, possible)}"
    given = _value(document.value, where)
    if given and given not in message and error["type"] != "extra_forbidden" and "\n" not in given:
        message = f"{clip(given, _MAX_LETTERS)}: {message}"
    return document.problem(where, message)


def _value(value: Any, where: Iterable[Any]) -> str:
    """The single value that a document has at a place, as text; empty where the place is within a union."""
    for step in where:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return ""
    return "" if value is None or isinstance(value, (dict, list)) else str(value)


_WORDS = {
    # pydantic's messages for these use Python's terms, or quote an unreadable expression.
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "dict_type": "must be a map",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "int_parsing": "must be an integer",
    "int_type": "must be an integer",
    "list_type": "must be a list",
    "model_attributes_type": "must be an object",
    "model_type": "must be an object",
    "string_type": "must be a string; put it in quotes",
    "string_too_short": "is empty",
    "tuple_type": "must be a list",
}
"""Type of a pydantic error → message for an author."""


_MAX_LETTERS = 80
"""Letters of a value in a message."""

_EXAMPLES = {
    "assetType": "compute.googleapis.com/Firewall",
    "assetTypes": "compute.googleapis.com/Firewall, or compute.googleapis.com/*",
    "ancestors": "folders/123 or organizations/456",
    "folders": "123",
    "organizations": "456",
}
"""Field → an example of its values."""


def _nearest(word: Any, known: Iterable[str]) -> str:
    matches = difflib.get_close_matches(str(word), list(known), n=1)
    return f"; did you mean {matches[0]}?" if matches else ""


def _fields_at(model: Any, where: tuple[Any, ...]) -> list[str]:
    """The names of the fields of the model at a path of field names."""
    for part in where:
        if isinstance(part, int):
            continue  # an element of the list before it
        named = next((field for field in model.model_fields.values() if field.alias == part), None)
        model = _model_in(named.annotation) if named is not None else None
        if model is None:
            return []
    return [str(field.alias) for field in model.model_fields.values()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model of a field, or of the elements of its list or map; None if it has none."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)
