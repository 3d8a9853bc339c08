from __future__ import annotations

import json

import pytest

from setpoint.catalog.schemas import FOLDER, Catalogue
from setpoint_tools.distil import artefact, documents, flags, meanings
from setpoint_tools.distil.__main__ import main
from setpoint_tools.distil.documents import Document

SAMPLE = ["pubsub", "dns", "run", "redis", "sqladmin"]
LIMIT = 4_000_000  # bytes


@pytest.mark.parametrize("service", SAMPLE)
def test_the_committed_artefact_is_what_the_documents_give(folder, service):
    services = documents.read(folder, [service])
    made = artefact.encode(artefact.build(services[service]))
    assert made == (FOLDER / f"{service}.json.gz").read_bytes(), "run make catalogue"


def test_the_artefact_is_small():
    assert 0 < sum(path.stat().st_size for path in FOLDER.glob("*.json.gz")) < LIMIT


def test_a_file_carries_no_time_and_no_name():
    head = (FOLDER / "pubsub.json.gz").read_bytes()[:10]
    assert head[3] == 0
    assert head[4:8] == bytes(4)


def test_the_command_writes_the_services_asked_for(folder, tmp_path, capsys):
    assert folder
    assert main(["pubsub", "--out", str(tmp_path)]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["pubsub.json.gz"]
    assert "1 services" in capsys.readouterr().out


def made(tmp_path, schemas, *, version="v1", more=()):
    """Distil one or more small documents, and return the catalogue of them."""
    texts = [(version, schemas), *more]
    warnings = []
    for name, content in texts:
        kinds = [kind for kind in content if kind.startswith("Thing")]
        methods = {f"things{n}": {"methods": {"get": {"response": {"$ref": kind}}}} for n, kind in enumerate(kinds)}
        warnings.append(Document("test", name, "20260101", {"schemas": content, "resources": methods}))
    artefact.write(tmp_path, "test", artefact.build(warnings))
    return Catalogue(tmp_path).schema_for("test.googleapis.com/Thing")


def document_of(**fields):
    return {"Thing": {"type": "object", "properties": fields}}


def test_an_output_only_ref_keeps_its_flag(tmp_path):
    schemas = document_of(
        status={"$ref": "Status", "readOnly": True}, spec={"$ref": "Status", "description": "Immutable."}
    )
    schemas["Status"] = {"type": "object", "properties": {"code": {"type": "integer", "format": "int32"}}}
    schema = made(tmp_path, schemas)
    assert schema.fields["status"].output_only
    assert not schema.fields["spec"].output_only
    assert schema.fields["spec"].immutable
    assert schema.fields["status"].schema is schema.fields["spec"].schema


def test_a_ref_to_a_named_map_or_list_is_that(tmp_path):
    schemas = document_of(names={"$ref": "Names"}, tags={"$ref": "Tags"}, value={"$ref": "Value"})
    schemas["Names"] = {"type": "array", "items": {"type": "string"}}
    schemas["Tags"] = {"type": "object", "additionalProperties": {"type": "string"}}
    schemas["Value"] = {"type": "any"}
    fields = made(tmp_path, schemas).fields
    assert (fields["names"].kind, fields["names"].item.type) == ("list", "string")
    assert (fields["tags"].kind, fields["tags"].item.type) == ("map", "string")
    assert fields["value"].kind == "any"


def test_a_free_form_object_is_a_map_of_any(tmp_path):
    fields = made(
        tmp_path, document_of(a={"type": "object"}, b={"type": "object", "additionalProperties": {"type": "any"}})
    )
    assert [(field.kind, field.item.kind) for field in fields.fields.values()] == [("map", "any")] * 2


def test_schemas_that_hold_each_other_end(tmp_path):
    schemas = document_of(child={"$ref": "Thing"}, odd={"$ref": "Odd"})
    schemas["Odd"] = {"type": "array", "items": {"$ref": "Odd"}}
    schema = made(tmp_path, schemas)
    assert schema.fields["child"].schema is schema
    assert schema.fields["odd"].kind == "list"


def test_what_an_insert_requires_is_an_input(tmp_path):
    text = {"type": "string", "description": "[Output Only] Odd.", "annotations": {"required": ["test.things.insert"]}}
    field = made(tmp_path, document_of(name=text)).fields["name"]
    assert field.required
    assert not field.output_only


def test_defaults_are_typed(tmp_path):
    fields = made(
        tmp_path,
        document_of(
            on={"type": "boolean", "default": "true"},
            size={"type": "integer", "format": "int32", "default": "5"},
            kind={"type": "string", "default": "test#thing"},
            odd={"type": "integer", "default": "many"},
        ),
    ).fields
    assert [fields[name].default for name in ("on", "size", "kind", "odd")] == [True, 5, "test#thing", None]


def test_a_beta_adds_fields_and_enum_values_and_changes_nothing(tmp_path):
    state = {"type": "string", "enum": ["NONE", "ON"]}
    stable = document_of(name={"type": "string"}, state=state, inner={"$ref": "TestV1Inner"})
    stable["TestV1Inner"] = {"type": "object", "properties": {"a": {"type": "string"}}}
    beta = document_of(
        name={"type": "string", "readOnly": True},
        state={**state, "enum": ["NONE", "OFF", "ON"]},
        inner={"$ref": "TestV1beta1Inner"},
        more={"$ref": "TestV1beta1More"},
    )
    beta["TestV1beta1Inner"] = {"type": "object", "properties": {"b": {"type": "string"}}}
    beta["TestV1beta1More"] = {"type": "object", "properties": {"c": {"type": "string"}}}
    fields = made(tmp_path, stable, more=[("v1beta1", beta)]).fields
    assert not fields["name"].output_only
    assert fields["state"].enum == ("NONE", "ON", "OFF")
    assert fields["more"].beta
    assert fields["more"].schema.fields["c"].beta
    assert {name: field.beta for name, field in fields["inner"].schema.fields.items()} == {"a": False, "b": True}


def test_the_same_documents_give_the_same_bytes():
    document = Document("test", "v1", "1", {"schemas": {}})
    assert artefact.encode(artefact.build([document])) == artefact.encode(
        json.loads(json.dumps(artefact.build([document])))
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Output only. The state.", "o"),
        ("[Output Only] The URL.", "o"),
        ("Optional. Output only. Which.", "o"),
        ("Required. Immutable. The type.", "mr"),
        ("Optional. Input only. Immutable. Tags.", "im"),
        ("Time of creation. @OutputOnly", "o"),
        ("Defined by the server (output only). More.", "o"),
        ("The email.\\This property is read-only.", "o"),
        ("The deleted state. This field is read only. It is ignored.", "o"),
        ("A read-only record of the creation.", "o"),
        ("A template. Immutable. Defaults to SOFTWARE.", "m"),
        ("Some ranges. This field cannot be changed after creation.", "m"),
        ("Output only for PARTNER type, mutable for others.", ""),
        ("[Output Only for type PARTNER] The key.", ""),
        ("Output only when the entry is of a certain type.", ""),
        ("Optional. If true, the disk is attached as read-only.", ""),
        ("Whether the volume is read only.", ""),
        ("Headers. Some are special: this value is output only. It cannot be changed.", ""),
        ("When created there, this field is output only.", ""),
        ("Required if the type is X.", ""),
        ("", ""),
    ],
)
def test_the_markers_of_a_text_are_read_and_its_conditions_heeded(text, expected):
    assert flags.read(text) == expected


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("password", "The password of the user.", True),
        ("clientSecret", "OAuth2 client secret. Only its SHA-256 hash is answered.", True),
        ("privateKey", "A private key in PEM format.", True),
        ("keyValue", "128-bit key value used for signing the URL.", True),
        ("token", "The token of the webhook, for authentication.", True),
        ("pageToken", "A token.", False),
        ("token", "A word of the text.", False),
        ("passwordSecretVersion", "The version that holds the password.", False),
        ("privateKey", "The name of the SecretManager secret version.", False),
        ("kmsKeyName", "The key.", False),
        ("publicKey", "The public key.", False),
        ("passwordPolicy", "How passwords are.", False),
    ],
)
def test_a_secret_is_told_from_what_only_speaks_of_one(name, text, expected):
    assert meanings.is_sensitive(name, text) is expected


@pytest.mark.parametrize(
    ("service", "name", "text", "expected"),
    [
        ("compute", "network", "", True),
        ("compute", "machineType", "Full or partial URL of the machine type resource to use.", True),
        ("compute", "defaultService", "The full or partial URL of the defaultService resource.", True),
        ("redis", "authorizedNetwork", "The full name of the network.", True),
        ("cloudkms", "importJob", "The resource name of the ImportJob.", True),
        ("pubsub", "topic", "Format is `projects/{project}/topics/{topic}`.", True),
        ("compute", "pathPrefixRewrite", "Replaces the matching part of the URL path.", False),
        ("compute", "description", "The URL of the resource, described.", False),
        ("run", "image", "URL of the Container image in Google Container Registry.", False),
        ("bigquery", "sourceUri", "The fully-qualified URI of data in Cloud Storage, as gs://bucket/object.", False),
        ("cloudbuild", "type", "A type, see https://cloud.google.com/projects/docs.", False),
        ("aiplatform", "modelId", "It will become the final component of the model resource name.", False),
    ],
)
def test_a_reference_is_told_from_other_urls_and_names(service, name, text, expected):
    assert meanings.is_reference(service, name, text) is expected


def test_a_string_called_as_one_of_the_apis_kinds_is_a_reference():
    assert meanings.is_reference("networksecurity", "firewallEndpoints", "", {"firewallendpoint"})
    assert not meanings.is_reference("networksecurity", "tier", "", {"tier"})


def test_a_resources_own_name_is_a_reference_and_its_shown_name_is_not(tmp_path):
    own = made(tmp_path, document_of(name={"type": "string", "description": "Identifier."}))
    assert own.fields["name"].reference
    shown = made(
        tmp_path, document_of(name={"type": "string", "description": "Optional. A user-assigned name, to display."})
    )
    assert not shown.fields["name"].reference


def test_what_is_the_servers_in_every_api_is_output_only_on_a_resource_alone(tmp_path):
    stamp = {"type": "string", "format": "google-datetime"}
    schemas = document_of(
        createTime=stamp, updateTime={**stamp, "description": "Required. When."}, part={"$ref": "Part"}
    )
    schemas["Part"] = {"type": "object", "properties": {"createTime": stamp}}
    fields = made(tmp_path, schemas).fields
    assert fields["createTime"].output_only
    assert not fields["updateTime"].output_only
    assert not fields["part"].schema.fields["createTime"].output_only
