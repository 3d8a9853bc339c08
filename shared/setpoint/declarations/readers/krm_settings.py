"""Config Connector's own settings among the files: ``ConfigConnector`` and ``ConfigConnectorContext``.

They declare no resource. They say whether the controller writes to Google Cloud in a namespace, as which service
account, and what it copies back into the specs. The project of a namespace's objects is not among them: it is the
annotation of the ``Namespace``, else its name.

Source: https://github.com/GoogleCloudPlatform/k8s-config-connector/tree/master/operator/config/crd/bases
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from setpoint.declarations.readers import krm_kinds
from setpoint.declarations.readers.documents import Document, Problem
from setpoint.declarations.readers.krm_references import Objects, annotation, namespace_of
from setpoint.util.json_values import as_object

CATEGORY = "controller"
"""The category of problems with the settings."""

_CONTEXT = "ConfigConnectorContext"
_KINDS = ("ConfigConnector", _CONTEXT)
_CLOSE = 0.8
"""Minimum similarity of a kind to one of the group to count as its misspelling."""

_CHOICES: Mapping[str, tuple[str, ...]] = {
    "actuationMode": ("Reconciling", "Paused"),
    "mode": ("namespaced", "cluster"),
    "requestProjectPolicy": ("SERVICE_ACCOUNT_PROJECT", "RESOURCE_PROJECT", "BILLING_PROJECT"),
    "stateIntoSpec": ("Absent", "Merge"),
}
"""Fields of the spec → their values."""

_WRITES = ("approve", "auto")
"""Modes in which Setpoint reverts drift."""

_ACTUATION = "cnrm.cloud.google.com/actuation-mode"
_INTERVAL = "cnrm.cloud.google.com/reconcile-interval-in-seconds"
"""Annotations of one object; an interval of 0 means that its drift is not corrected."""


class Setting(NamedTuple):
    """One object of settings.

    Args:
        document: The object.
        namespace: The namespace that it is about; empty for the whole cluster.
        spec: Its spec.
    """

    document: Document
    namespace: str
    spec: Mapping[str, Any]

    def problem(self, message: str, path: tuple[str, ...] = (), category: str = CATEGORY) -> Problem:
        """A problem with the object."""
        return self.document.problem(path, message, subject=self.document.subject, category=category)


def is_setting(value: Any) -> bool:
    """Whether a document is an object of the controller's own group."""
    return isinstance(value, dict) and str(value.get("apiVersion", "")).partition("/")[0] == krm_kinds.CONTROLLER


class ControllerSettings:
    """The settings of a load: of the cluster, and of each namespace."""

    def __init__(self) -> None:
        self._settings: dict[str, Setting] = {}
        self._by_folder: dict[str, set[str]] = {}

    def add(self, document: Document) -> list[Problem]:
        """Add an object of settings; report what is wrong with it."""
        value = document.value
        kind, spec = str(value.get("kind", "")), value.get("spec")
        setting = Setting(document, namespace_of(value), as_object(spec))
        if kind not in _KINDS:
            return [_of_other_kind(setting, kind)]
        if kind == _CONTEXT and not setting.namespace:
            message = "is missing: a ConfigConnectorContext is about the namespace that it is in"
            return [setting.problem(message, ("metadata", "namespace"), "invalid")]
        if kind != _CONTEXT:
            setting = setting._replace(namespace="")  # tools set a namespace on what has none
        self._settings.setdefault(setting.namespace, setting)
        if setting.namespace:
            folder = os.path.dirname(document.file)  # noqa: PTH120 - paths as they were given
            self._by_folder.setdefault(folder, set()).add(setting.namespace)
        return list(_wrong_choices(setting))

    def namespace(self, file: str) -> str:
        """The namespace of objects that name none: that of the only context of their directory; empty if there is none.

        Args:
            file: The file of the object.
        """
        contexts = self._by_folder.get(os.path.dirname(file), set())  # noqa: PTH120 - as above
        return next(iter(contexts)) if len(contexts) == 1 else ""

    def facts(self, objects: Objects) -> Iterator[Problem]:
        """What the settings say, as one warning for each of their objects.

        Args:
            objects: The objects of the load, with the annotations of namespaces.
        """
        for namespace, setting in self._settings.items():
            yield setting.problem(_facts(setting, objects.project(namespace) if namespace else ""))

    def conflict(self, document: Document, mode: str | None) -> list[Problem]:
        """A warning about an object that Setpoint may revert, and that the controller reverts before it.

        Args:
            document: The object.
            mode: The most that its declaration lets Setpoint do.
        """
        setting = self._settings.get(namespace_of(document.value)) or self._settings.get("")
        if mode not in _WRITES or setting is None or self._is_paused(document.value):
            return []
        message = (
            f"has mode {mode}, but Config Connector reverts its drift by itself; "
            f"set actuationMode: Paused in {setting.document.subject}"
        )
        path = ("metadata", "annotations", "setpoint.dev/mode")
        return [document.problem(path, message, subject=document.subject, category=CATEGORY)]

    def _is_paused(self, value: Mapping[str, Any]) -> bool:
        """Whether the controller leaves an object's resource alone: by its annotations, its namespace, the cluster."""
        if annotation(value, _INTERVAL).strip() == "0":
            return True
        settings = (self._settings.get(namespace_of(value)), self._settings.get(""))
        modes = (annotation(value, _ACTUATION), *(setting.spec.get("actuationMode") for setting in settings if setting))
        return next((mode for mode in modes if mode), "") == "Paused"


def _of_other_kind(setting: Setting, kind: str) -> Problem:
    """The problem with an object of the group that is of none of its kinds."""
    meant = difflib.get_close_matches(kind, _KINDS, n=1, cutoff=_CLOSE)
    if meant:
        message = f"{kind} is not a kind of Config Connector; did you mean {meant[0]}?"
        return setting.problem(message, ("kind",), "unknown-kind")
    return setting.problem(f"{kind} sets up Config Connector and declares no resource")


def _wrong_choices(setting: Setting) -> Iterator[Problem]:
    for field, choices in _CHOICES.items():
        if setting.spec.get(field, choices[0]) not in choices:
            yield setting.problem(f"must be {' or '.join(choices)}", ("spec", field), "invalid")


def _facts(setting: Setting, project: str) -> str:
    """What an object of settings says, in one sentence.

    Args:
        setting: The object.
        project: The project of the namespace's objects; empty for settings of the whole cluster.
    """
    spec = setting.spec
    where = f"namespace {setting.namespace}" if setting.namespace else "the cluster"
    facts = [f"sets up Config Connector for {where} and declares no resource"]
    if project:
        facts.append(f"objects without a project of their own are in {project}")
    if account := spec.get("googleServiceAccount"):
        facts.append(f"it writes as {account}")
    if spec.get("actuationMode") == "Paused":
        facts.append("it is paused: Setpoint detects drift, and nothing else reverts it")
    if spec.get("stateIntoSpec") == "Merge":
        facts.append(
            "it copies what the API answers into each spec (stateIntoSpec: Merge): in objects of the cluster, "
            "defaults of the API are declared too"
        )
    if payer := spec.get("billingProject"):
        facts.append(f"its requests are billed to {payer}, which is not the project of its objects")
    return "; ".join(facts)
