"""A stand-in for a Terraform provider: it has the schema and the rules of the real one, and makes its resources up.

It asks nobody. What is planned is what the configuration says; what a cloud would compute comes from ``values.json``.
Terraform starts it by a launcher that ``mirror.py`` writes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from infra.standin import archive, planned, rules
from infra.standin.blocks import conform, schema_message
from infra.standin.messages import decode, encode, error, message
from infra.standin.server import attach, serve

HERE = Path(__file__).parent
EXISTING: dict[str, dict[str, Any]] = {}
"""What is there before it is imported, by the id that it is imported with."""


def _read(name: str) -> Any:
    return json.loads((HERE / name).read_text())


class Provider:
    """One provider, ``google`` or ``archive``, as Terraform calls it.

    Args:
        schema: as ``terraform providers schema -json`` writes it.
        table: what is made up, values.json.
        refusals: what is refused, rules.json.
        read_archive: writes a zip where the provider is ``archive``.
    """

    def __init__(
        self,
        schema: dict[str, Any],
        table: dict[str, Any],
        refusals: dict[str, Any],
        read_archive: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
    ) -> None:
        self._schema, self._table, self._refusals, self._read_archive = schema, table, refusals, read_archive

    def calls(self) -> dict[str, tuple[str, Callable[[Any], Any]]]:
        """Each call of the protocol: the message that is sent, and what answers it."""
        return {
            "GetMetadata": ("Empty", self._metadata),
            "GetSchema": ("Empty", self._schemas),
            "PrepareProviderConfig": ("PrepareProviderConfig.Request", self._prepare),
            "ValidateResourceTypeConfig": ("ValidateConfig.Request", self._validate),
            "ValidateDataSourceConfig": ("ValidateConfig.Request", lambda _: message("ValidateConfig.Response")()),
            "UpgradeResourceState": ("UpgradeResourceState.Request", self._upgrade),
            "Configure": ("Configure.Request", self._configure),
            "ReadResource": ("ReadResource.Request", self._refresh),
            "PlanResourceChange": ("PlanResourceChange.Request", self._plan),
            "ApplyResourceChange": ("ApplyResourceChange.Request", self._apply),
            "ImportResourceState": ("ImportResourceState.Request", self._import),
            "MoveResourceState": ("MoveResourceState.Request", self._move),
            "ReadDataSource": ("ReadDataSource.Request", self._read_data),
            "GetFunctions": ("Empty", lambda _: message("GetFunctions.Response")()),
            "Stop": ("Empty", lambda _: message("Stop.Response")()),
        }

    def _block(self, kind: str) -> dict[str, Any]:
        return self._schema["resource_schemas"][kind]["block"]

    def _capabilities(self) -> Any:
        return message("ServerCapabilities")(get_provider_schema_optional=True)

    def _metadata(self, _: Any) -> Any:
        named = message("GetMetadata.Named")
        return message("GetMetadata.Response")(
            server_capabilities=self._capabilities(),
            resources=[named(type_name=name) for name in self._schema["resource_schemas"]],
            data_sources=[named(type_name=name) for name in self._schema["data_source_schemas"]],
        )

    def _schemas(self, _: Any) -> Any:
        kinds = ("resource_schemas", "data_source_schemas")
        return message("GetProviderSchema.Response")(
            provider=schema_message(self._schema["provider"]),
            server_capabilities=self._capabilities(),
            **{kind: {name: schema_message(schema) for name, schema in self._schema[kind].items()} for kind in kinds},
        )

    def _prepare(self, request: Any) -> Any:
        return message("PrepareProviderConfig.Response")(prepared_config=request.config)

    def _configure(self, request: Any) -> Any:
        config = decode(request.config) or {}
        project = config.get("project") or os.environ.get("GOOGLE_PROJECT")
        if isinstance(project, str):
            self._table["provider"]["project"] = project
        return message("Configure.Response")()

    def _validate(self, request: Any) -> Any:
        refusals = self._refusals.get(request.type_name, {})
        diagnostics = rules.check(refusals, self._block(request.type_name), decode(request.config))
        return message("ValidateConfig.Response")(diagnostics=diagnostics)

    def _upgrade(self, request: Any) -> Any:
        state = conform(self._block(request.type_name), json.loads(request.raw_state.json))
        return message("UpgradeResourceState.Response")(upgraded_state=encode(state))

    def _refresh(self, request: Any) -> Any:
        state, kind = request.current_state, request.type_name
        if attribute := self._table["dropped_when_empty"].get(kind):
            state = encode(planned.returned(decode(state), attribute))
        return message("ReadResource.Response")(new_state=state, private=request.private)

    def _plan(self, request: Any) -> Any:
        kind = request.type_name
        prior, proposed = decode(request.prior_state), decode(request.proposed_new_state)
        after = planned.plan(kind, self._block(kind), prior, proposed, self._table)
        response = message("PlanResourceChange.Response")(
            planned_state=encode(after), planned_private=request.prior_private
        )
        step = message("AttributePath.Step")
        for name in self._replacing(kind) if prior and after else ():
            # A null was just imported.
            if name in after and prior[name] is not None and after[name] != prior[name]:
                response.requires_replace.append(message("AttributePath")(steps=[step(attribute_name=name)]))
        return response

    def _replacing(self, kind: str) -> list[str]:
        replace = self._table["replace"]
        return sorted({*replace.get("*", []), *replace.get(kind, [])})

    def _apply(self, request: Any) -> Any:
        state, kind = decode(request.planned_state), request.type_name
        if state is None and decode(request.prior_state).get("deletion_protection"):
            refusal = error(f"{kind}: cannot be destroyed while deletion_protection is true")
            return message("ApplyResourceChange.Response")(new_state=request.prior_state, diagnostics=[refusal])
        if state is not None:
            templates = self._table["resources"].get(kind, {})
            planned.fill(kind, self._block(kind), state, templates, self._table["provider"])
        return message("ApplyResourceChange.Response")(new_state=encode(state), private=request.planned_private)

    def _import(self, request: Any) -> Any:
        state = encode(conform(self._block(request.type_name), {**EXISTING.get(request.id, {}), "id": request.id}))
        imported = message("ImportResourceState.ImportedResource")(type_name=request.type_name, state=state)
        return message("ImportResourceState.Response")(imported_resources=[imported])

    def _move(self, request: Any) -> Any:
        state = conform(self._block(request.target_type_name), json.loads(request.source_state.json))
        return message("MoveResourceState.Response")(target_state=encode(state))

    def _read_data(self, request: Any) -> Any:
        kind, config = request.type_name, decode(request.config)
        if self._read_archive is not None:
            return message("ReadDataSource.Response")(state=encode(self._read_archive(config)))
        block = self._schema["data_source_schemas"][kind]["block"]
        planned.plan(kind, block, None, config, self._table)
        planned.fill(kind, block, config, self._table["data"].get(kind, {}), self._table["provider"])
        return message("ReadDataSource.Response")(state=encode(config))


def _google() -> Provider:
    return Provider(_read("schema.json"), _read("values.json"), _read("rules.json"))


def _archives(folder: Path = Path()) -> Provider:
    return Provider(
        _read("archive_schema.json"), _read("values.json"), {}, lambda config: archive.write(config, folder)
    )


def google() -> None:
    """Serve in place of hashicorp/google."""
    serve(_google().calls())


def archives() -> None:
    """Serve in place of hashicorp/archive."""
    serve(_archives().calls())


@cache
def _attached() -> dict[str, Any]:
    return attach(_google().calls())


def reattach(folder: Path) -> str:
    """Serve in place of both providers in this process; what TF_REATTACH_PROVIDERS is to say.

    Args:
        folder: where Terraform runs; paths of archives are relative to it.
    """
    servers = {"google": _attached(), "archive": attach(_archives(folder).calls())}
    return json.dumps({f"registry.terraform.io/hashicorp/{name}": server for name, server in servers.items()})
