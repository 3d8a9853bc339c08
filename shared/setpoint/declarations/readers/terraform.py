"""Read Terraform plans and states as declarations.

A resource's type determines the asset type (`terraform_types`), its attributes the full resource name
(`terraform_names`) and, through the catalog, the declared fields (`field_mapping`), with a small table of exceptions
(`terraform_table`). IAM resources are read in `terraform_iam`, organization policies in `terraform_org_policies`.

Source: https://developer.hashicorp.com/terraform/internals/json-format
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from msgspec.structs import replace

from setpoint.catalog.schemas import Schema, default_catalogue
from setpoint.declarations.readers import (
    exact_paths,
    field_mapping,
    prune_protection,
    secret_values,
    server_ids,
    terraform_classes,
    terraform_documents,
    terraform_iam,
    terraform_ignored,
    terraform_names,
    terraform_org_policies,
    terraform_owners,
    terraform_parts,
    terraform_shapes,
    terraform_state,
    terraform_table,
)
from setpoint.declarations.readers.documents import UNREADABLE, Document, Problem
from setpoint.declarations.readers.field_mapping import EMPTY, MappedFields, UnmappedField
from setpoint.declarations.readers.terraform_config import ConfiguredResource, Key
from setpoint.declarations.readers.terraform_documents import TerraformResource
from setpoint.declarations.readers.terraform_names import Name
from setpoint.declarations.readers.terraform_parts import PartPlacement
from setpoint.declarations.readers.terraform_types import PARTS, Meaning, meaning
from setpoint.declarations.readers.translation import Translated
from setpoint.model.declaration import Declaration, Source
from setpoint.model.field_path import is_below
from setpoint.model.naming import camel
from setpoint.model.resource_key import ResourceKey, content_of, project_of
from setpoint.model.secrecy import THIS_PROCESS, Secrecy

_camel = lru_cache(maxsize=4096)(camel)
_NO_FILES: Mapping[Key, ConfiguredResource] = {}


class TerraformLoaded(NamedTuple):
    """The declarations of a plan or state.

    Args:
        translated: The declarations, with the parts that could not be translated.
        problems: The errors, each with the next step.
        skipped: Ignored resources with their number, by the name of another provider or by Terraform type.
        states: Serial by lineage, for a raw state.
    """

    translated: list[Translated]
    problems: list[Problem]
    skipped: Counter[str]
    states: dict[str, int]


def is_terraform(value: Any) -> bool:
    """Whether a document is a plan or a state, of `terraform show -json` or raw."""
    return terraform_documents.is_terraform(value)


def read(
    document: Document,
    *,
    project: str = "",
    files: Mapping[Key, ConfiguredResource] = _NO_FILES,
    secrecy: Secrecy = THIS_PROCESS,
) -> TerraformLoaded:
    """Read the declarations of a plan or state.

    Args:
        document: The output of `terraform show -json`, or a raw state.
        project: The project of resources without one, if the provider block has none either.
        files: The resource blocks in the configuration's files.
        secrecy: Makes the digests that stand for secrets.
    """
    source = Source(file=document.file, line=document.line, document=document.position)
    states: dict[str, int] = {}
    if terraform_state.is_state(document.value):
        if refusal := terraform_state.refusal(document.value):
            category = "refused" if "version" in document.value else UNREADABLE
            problem = Problem(document.file, document.line, "", refusal, category=category)
            return TerraformLoaded([], [problem], Counter(), states)
        lineage, serial = terraform_state.revision(document.value)
        states[lineage] = serial
    blocks = terraform_documents.read(document.value, project=project, files=files)
    loaded = TerraformLoaded([], [], Counter(blocks.others), states)
    for block in blocks.google:
        try:
            _read_block(block, source, document, loaded, secrecy)
        except Exception as error:  # noqa: BLE001 - any error concerns this resource only
            message = f"could not be read ({type(error).__name__}: {error}); please report this"
            loaded.problems.append(_problem(block, document, message, "reader-failed"))
    return loaded


def _read_block(
    block: TerraformResource, source: Source, document: Document, loaded: TerraformLoaded, secrecy: Secrecy
) -> None:
    """Collect what a resource declares."""
    reader = _reader_of(block.type)
    if reader is not None:
        translated = reader(block, replace(source, address=block.address))
        if translated is not None:
            _collect(_sealed(translated, secrecy), block, document, loaded)
        else:
            loaded.skipped[block.type] += 1
        return
    for part in parts(block):
        is_lost = part.place is not None and not part.name.text and part.block.value(part.place.attribute)
        if part.means.known and part.block.type not in PARTS and not is_lost:
            own_source = replace(source, address=part.block.address)
            _collect(translate(part, schemas_of(part), own_source, secrecy), part.block, document, loaded)
        else:
            loaded.skipped[block.type] += 1


def _reader_of(terraform_type: str) -> Callable[[TerraformResource, Source], Translated | None] | None:
    """The reader of a type that is set on another resource, or None."""
    if reader := terraform_parts.OF_PROJECTS.get(terraform_type):
        return reader
    is_iam = terraform_iam.is_iam(terraform_type)
    if not is_iam and not terraform_org_policies.is_org_policy(terraform_type):
        return None
    of_policies = terraform_iam.translate if is_iam else terraform_org_policies.translate
    return lambda block, source: of_policies(block._replace(values=secret_values.unknown(block.values)), source)


def _collect(translated: Translated, block: TerraformResource, document: Document, loaded: TerraformLoaded) -> None:
    declaration = translated.declaration
    if declaration.key.name:
        if terraform_owners.is_labelled(block.values):
            translated = replace(translated, declaration=_labelled(declaration, block))
        loaded.translated.append(terraform_ignored.applied(translated, block))
        return
    message, category = "its full resource name is known only after apply", "pending"
    if not block.default("project"):
        message = "it is not known which project holds it; set `project` in the provider block or the resource"
        category = "unnamed"
    loaded.problems.append(_problem(block, document, message, category))


def _problem(block: TerraformResource, document: Document, message: str, category: str) -> Problem:
    """A problem of one resource, which holds back only what this resource may be."""
    names = frozenset((block.address, *prune_protection.words(block.values)))
    return Problem(document.file, document.line, block.address, message, category=category, names=names)


def _labelled(declaration: Declaration, block: TerraformResource) -> Declaration:
    """The declaration with the owner and the exact fields that labels name."""
    exact = exact_paths.by_label(block.values)
    return replace(
        declaration,
        owner=declaration.owner if declaration.owner.team else terraform_owners.by_label(block.values),
        exact=exact is True or declaration.exact,
        exhaustive_paths=declaration.exhaustive_paths if exact is True else exact or declaration.exhaustive_paths,
    )


class DeclaredPart(NamedTuple):
    """A Google resource in a Terraform resource: usually the whole, sometimes a block.

    Args:
        block: The Terraform resource, or a block of it with the parent's attributes.
        means: Its asset type.
        name: Its full resource name.
        prefix: The author's path of its attributes.
        type: The Terraform type, with the block's name for a block.
        place: Where it stands in the resource that holds it, for an element of a list.
    """

    block: TerraformResource
    means: Meaning
    name: Name
    prefix: str
    type: str
    place: PartPlacement | None = None


def parts(block: TerraformResource) -> list[DeclaredPart]:
    """The Google resources that a Terraform resource declares: itself, and blocks that are separate in the API."""
    if block.type in terraform_table.LISTS:
        return [part for listed in _listed(block, *terraform_table.LISTS[block.type]) for part in parts(listed)]
    if terraform_parts.is_part(block.type):
        return [_element(element) for element in terraform_parts.elements(block)]
    means = meaning(block.type)
    name = terraform_names.name_of(block, means)
    resources = [DeclaredPart(block, means, name, block.address, block.type)]
    for attribute, asset_type, own in terraform_table.KEPT_APART.get(block.type, ()):
        inside = block.values.get(attribute)
        apart = Meaning(asset_type, ())
        if isinstance(inside, list):
            for index, element in enumerate(inside):
                if isinstance(element, dict) and name.text:
                    inner = block._replace(values=element, names=frozenset(element))
                    text = f"{name.text}/{terraform_names.collection_of(apart)}/{inner.value(own)}"
                    held = Name(text if inner.value(own) else "", frozenset(("zone",)), own, inner.value(own))
                    resources.append(
                        DeclaredPart(
                            inner, apart, held, f"{block.address}.{attribute}[{index}]", f"{block.type}.{attribute}"
                        )
                    )
        elif inside is not None:
            inner = block._replace(values={name: value for name, value in block.values.items() if name in own.split()})
            resources.append(
                DeclaredPart(
                    inner, apart, terraform_names.name_of(block, apart), block.address, f"{block.type}.{attribute}"
                )
            )
    return resources


def _element(block: TerraformResource) -> DeclaredPart:
    place = terraform_parts.PLACES[block.type]
    means, name = terraform_parts.holder_of(block, place)
    return DeclaredPart(block, means, name, block.address, block.type, place)


def _listed(block: TerraformResource, attribute: str, single: str) -> list[TerraformResource]:
    """The resources in a Terraform resource that is a list of them."""
    listed = block.values.get(attribute)
    return [
        block._replace(
            type=single, address=f"{block.address}.{attribute}[{index}]", values=element, names=frozenset(element)
        )
        for index, element in enumerate(listed if isinstance(listed, list) else ())
        if isinstance(element, dict)
    ]


def schemas_of(part: DeclaredPart) -> tuple[Schema, ...]:
    """The possible schemas of a part: those of its asset type, or that of the list's elements."""
    if part.place is None:
        return default_catalogue().schemas_for(part.means.asset_type)
    schema = terraform_parts.schema_of(part.means.asset_type, part.place.field)
    return (schema,) if schema is not None else ()


def translate(
    part: DeclaredPart,
    schemas: tuple[Schema, ...],
    source: Source = Source(),  # noqa: B008 - an immutable value
    secrecy: Secrecy = THIS_PROCESS,
) -> Translated:
    """Convert a resource's attributes to the API's shape.

    Args:
        part: The resource.
        schemas: The possible schemas; the one that accepts most attributes is chosen.
        source: The location of the resource.
        secrecy: Makes the digests that stand for secrets.
    """
    chosen = terraform_classes.select(part.type, part.block.values, part.block.written, part.prefix)
    placed = [_place(part, chosen, schema) for schema in schemas]
    best = min(placed, key=lambda fields: len(fields.unplaced)) if placed else _as_written(part, chosen.tree)
    naming = (*part.name.around, part.name.attribute) if chosen.unchecked else ()
    unplaced = tuple(field for field in best.unplaced if not _is_in_name(field, part))
    implied = terraform_table.IMPLIED.get(part.type, {})
    unchecked = (
        *(path for path in chosen.unchecked if path.removeprefix(f"{part.prefix}.") not in naming),
        *(field.path for field in unplaced),
        *best.unknown,
    )
    translated = Translated(
        Declaration(
            key=ResourceKey(part.name.text, content_of(part.means.asset_type)),
            asset_type=part.means.asset_type,
            data={**implied, **best.data},
            project=project_of(part.name.text) or part.block.default("project"),
            source=source,
            recorded=best.recorded,
            null_is_absent=True,
        ),
        whole=best.whole,
        unchecked=unchecked,
        pending=tuple(path for path in unchecked if _is_pending(path, part.block.unknown)) if unchecked else (),
        origins=best.origins,
        unplaced=unplaced,
        server_id=server_ids.of_state(part.type, part.block.values),
    )
    if part.place is not None:
        translated = terraform_parts.wrapped(translated, part.place, part.block, part.prefix)
    return _sealed(translated, secrecy)


def _sealed(translated: Translated, secrecy: Secrecy) -> Translated:
    declaration = secret_values.sealed(translated.declaration, secrecy)
    return translated if declaration is translated.declaration else replace(translated, declaration=declaration)


def _is_pending(path: str, unknown: frozenset[str]) -> bool:
    """Whether a value, or all around or in it, is known only after apply."""
    return any(is_below(path, mark) or mark.startswith(f"{path}[") for mark in unknown)


@lru_cache(maxsize=4096)
def _moves(
    terraform_type: str, schema: Schema, around: frozenset[str], own: str, names: frozenset[str]
) -> Mapping[str, str | None]:
    """The exceptions for the attributes of a resource, for `field_mapping.place`.

    Args:
        terraform_type: As `google_storage_bucket`.
        schema: The target schema.
        around: The attributes that name the resource's place and parent.
        own: The attribute with its own id.
        names: The names of all its attributes.
    """
    writable = {name for name, field in schema.fields.items() if not field.output_only}
    addressed = (name for name in names if terraform_table.ADDRESSED.fullmatch(name))
    no_data = (*terraform_table.PROVIDER_ONLY, *around, *addressed)
    return {
        **{name: None for name in no_data if _camel(name) not in writable},
        "project": None,
        own: None,
        **dict.fromkeys(attribute for attribute, *_ in terraform_table.KEPT_APART.get(terraform_type, ())),
        **terraform_table.MOVES.get(terraform_type, {}),
    }


def _place(part: DeclaredPart, chosen: terraform_classes.AttributeSelection, schema: Schema) -> MappedFields:
    tree = chosen.tree
    if part.place is not None:
        tree = {name: value for name, value in tree.items() if name != part.place.attribute}
    moves = _moves(part.type, schema, part.name.around, part.name.attribute, frozenset(tree))
    shaped = terraform_shapes.reshape(part.type, tree, schema)
    renamed = terraform_shapes.RENAMED.get(part.type, {})
    paths = terraform_classes.overrides(part.type)
    placed = field_mapping.place(
        shaped.tree,
        schema,
        prefix=part.prefix,
        moves=moves,
        paths=paths if part.place is None else terraform_parts.overrides(paths, part.place.field),
        recorded=frozenset(renamed.get(name, name) for name in chosen.recorded),
        whole=terraform_classes.whole_maps(part.type),
        unread=terraform_shapes.reshaped_names(part.type, chosen.unread),
        single=terraform_classes.single_blocks(part.type),
    )
    return terraform_shapes.undo(placed, part.prefix, shaped.origins) if shaped.origins else placed


def _as_written(part: DeclaredPart, tree: Mapping[str, Any]) -> MappedFields:
    """Without a schema a block may be an object or a list: only plain values can be compared."""
    no_data = {*terraform_table.PROVIDER_ONLY, *part.name.around, part.name.attribute}
    plain, blocks = {}, []
    for name, value in tree.items():
        if name in no_data or value is EMPTY:
            continue
        if isinstance(value, list) and value and isinstance(value[0], dict):
            blocks.append(f"{part.prefix}.{name}")
        else:
            plain[_camel(name)] = value
    placed = field_mapping.as_written(plain, prefix=part.prefix)
    return MappedFields(placed.data, placed.origins, placed.unplaced, (*placed.unknown, *blocks))


def _is_in_name(field: UnmappedField, part: DeclaredPart) -> bool:
    """Whether an attribute without a place is a part of the resource's name."""
    in_name = (*part.name.around, part.name.attribute)
    return field.name in in_name and field.path == f"{part.prefix}.{field.name}"
