from __future__ import annotations

from typing import Any

import pytest

from setpoint.catalog import secrets
from setpoint.catalog.schemas import Field, default_catalogue
from setpoint.comparison.compare import compare
from setpoint.model.secrecy import is_hidden


@pytest.mark.parametrize(
    "name",
    [
        *("password", "TOKEN", "GITHUB_TOKEN", "refreshToken", "SECRET_KEY", "AWS_SECRET_ACCESS_KEY", "DB_PASS"),
        *("MYSQL_PWD", "ENCRYPTION_KEY", "PRIVATE_KEY_PEM", "Authorization", "passphrase", "user-data", "kube-env"),
        *("windows-startup-script-ps1", "gce-container-declaration", "startup-script", "startup-script-url"),
        *("DATABASE_URL", "CONNECTION_STRING", "DSN", "SENTRY_DSN", "webhookUrl", "SLACK_WEBHOOK_URL", "apikey"),
        *("API_KEY", "APIKey", "dbpassword", "DB_PASSWORD_PROD", "PASSWORD_1", "SECRET_KEY_BASE", "client.secret"),
        *("oauth-token", "X-Api-Key", "AZURE_STORAGE_ACCOUNT_KEY", "sysprep-specialize-script-ps1", "MONGODB_URI"),
        *("GOOGLE_CREDENTIALS", "accessTokens", "clientSecret", "PASSWORD_DB", "TOKEN_GITHUB", "HMAC_KEY"),
    ],
)
def test_a_secret_is_known_by_the_words_of_its_name(name: str) -> None:
    assert secrets.names_a_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        *("secretName", "secretVersion", "secretRef", "secretKeyRef", "tokenLifetime", "accessTokenTtl"),
        *("passwordPolicy", "publicKey", "kmsKeyName", "keyRing", "pageToken", "nextPageToken", "key", "keys"),
        *("tokenUri", "secretManager", "secret-manager-project", "TOKEN_FILE", "MAX_TOKENS", "TOKENS_PER_MINUTE"),
        *("KMS_KEY", "kmsEncryptionKey", "SECRETS_DIR", "tokenEndpoint", "passThrough", "bypass", "compass", "name"),
        *("ssh-keys", "url", "LOG_LEVEL", "uri", "SERVICE_URL", "passwordSecretVersion", "keyVersion", "", "data"),
        *("secretVersionForClientSecret", "SOURCE_TOKEN", "tokenizer", "accessKeyId", "sortKey", "description"),
    ],
)
def test_what_only_speaks_of_a_secret_is_none(name: str) -> None:
    assert not secrets.names_a_secret(name)


@pytest.mark.parametrize(
    "value",
    [
        *("postgres://shop:hunter2@10.0.0.3/shop", "redis://:hunter2@cache:6379", "amqp://a:b@c"),
        *("-----BEGIN PRIVATE KEY-----\nMIIE", "-----BEGIN RSA PRIVATE KEY-----\nMIIE"),
        *("--password=hunter2", "run --db-password=hunter2 --port=80", "https://x/hook?token=abc", "API_KEY='abc'"),
        '{"password": "hunter2"}',
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
        *("AKIAIOSFODNN7EXAMPLE", "ghp_" + "a1" * 18, "xoxb-123456789012-abc", "AIza" + "b" * 35),
        "curl -H 'Authorization: Bearer abc'",
    ],
)
def test_a_secret_is_known_by_its_look_whatever_it_is_called(value: str) -> None:
    assert secrets.looks_secret(value)
    for declared, live in ((value, "x"), ("x", value)):
        (difference,) = compare({"field": declared, "same": value}, {"field": live, "same": value})
        assert value not in (difference.declared, difference.observed)
        assert any(map(is_hidden, (difference.declared, difference.observed)))


@pytest.mark.parametrize(
    "value",
    [
        *("https://example.com:8080/a@b", "gs://bucket/path", "projects/p/secrets/s/versions/1", "a@example.com"),
        *("-----BEGIN CERTIFICATE-----\nMIIE", "-----BEGIN PUBLIC KEY-----", "request.auth.token == ''", "tokens"),
        *("europe-docker.pkg.dev/p/r/i@sha256:abc", "--password=$PASSWORD", "the password is kept in the vault"),
        *("principal://iam.googleapis.com/projects/1/subject/a:b@c", "eyJ", 7, None, True, ["--password=x"]),
    ],
)
def test_other_values_do_not_look_secret(value: Any) -> None:
    assert not secrets.looks_secret(value)


@pytest.mark.parametrize("text", ["eyJ-" * 250_000, "://:" * 250_000, "password" * 100_000, "a-" * 500_000])
def test_a_long_text_is_looked_at_without_going_back_and_forth(text: str) -> None:
    assert not secrets.looks_secret(text)


def test_a_field_that_the_catalogue_knows_is_masked_by_its_look_and_by_its_name() -> None:
    schema = default_catalogue().schema_for("compute.googleapis.com/Firewall")
    (difference,) = compare({"description": "x"}, {"description": "postgres://shop:hunter2@db/shop"}, schema)
    assert difference.declared == "x"
    assert is_hidden(difference.observed)
    assert secrets.is_secret(Field("refreshToken", "scalar", "string"))
    assert secrets.is_secret(Field("anything", "scalar", "string", sensitive=True))
    assert not secrets.is_secret(Field("clientSecret", "scalar", "string", reference=True))
    assert not secrets.is_secret(Field("token", "scalar", "string", "enum"))
    assert not secrets.is_secret(Field("tokens", "scalar", "integer"))


def test_what_follows_the_name_of_a_secret_on_a_command_line_is_masked() -> None:
    (difference,) = compare(
        {"args": ["--password", "a", "--port", "80"]}, {"args": ["--password", "b", "--port", "80"]}
    )
    for side in (difference.declared, difference.observed):
        assert is_hidden(side[1])
        assert side[3] == "80"


def test_no_element_is_named_by_a_secret() -> None:
    declared = {
        "tokens": [{"value": "s3cret-a"}, {"value": "s3cret-b"}],
        "mounts": [{"secret": "a"}, {"secret": "s3cret-b"}],
    }
    live = {
        "tokens": [{"value": "s3cret-a"}, {"value": "s3cret-c"}],
        "mounts": [{"secret": "a"}, {"secret": "s3cret-c"}],
    }
    differences = compare(declared, live)
    assert [difference.path for difference in differences] == ["tokens[1].value", "mounts[1].secret"]
    assert not any(word in repr(differences) for word in ("s3cret-b", "s3cret-c"))


def test_a_field_that_the_catalogue_calls_a_secret_names_no_element() -> None:
    schema = default_catalogue().schema_for("compute.googleapis.com/Disk")
    assert schema is not None
    name = Field("name", "scalar", "string", sensitive=True)
    inner = type(schema)(schema._line, "made up", {})
    inner.fields = {"name": name}
    outer = type(schema)(schema._line, "made up too", {})
    item = Field("users", "message", schema=inner)
    outer.fields = {"users": Field("users", "list", item=item)}
    differences = compare({"users": [{"name": "s3cret-a"}, {"name": "b"}]}, {"users": [{"name": "b"}]}, outer)
    assert [difference.path for difference in differences] == ["users[0]"]
    assert "s3cret" not in repr(differences)


@pytest.mark.parametrize(
    ("service", "schema", "name"),
    [
        ("dialogflow", "GoogleCloudDialogflowV2ToolAuthenticationBearerTokenConfig", "token"),
        ("discoveryengine", "A2aV1AuthenticationInfo", "credentials"),
        ("discoveryengine", "GoogleCloudDiscoveryengineV1DataConnectorRealtimeSyncConfig", "realtimeSyncSecret"),
        ("aiplatform", "GoogleCloudAiplatformV1AuthConfigOidcConfig", "idToken"),
        ("integrations", "GoogleCloudIntegrationsV1OidcToken", "token"),
        ("oracledatabase", "GoldengateDatabricksConnectionProperties", "storageCredential"),
        ("cloudbilling", "PushNotificationConfig", "token"),
    ],
)
def test_a_string_that_its_schema_does_not_mark_is_a_secret_by_its_name(service: str, schema: str, name: str) -> None:
    schemas = [line.schema(schema) for line in default_catalogue()._services.of(service)]
    fields = [schema_.fields[name] for schema_ in schemas if schema_ is not None]
    assert fields
    assert all(map(secrets.is_secret, fields))


@pytest.mark.parametrize(
    ("service", "schema", "name"),
    [
        ("run", "GoogleCloudRunV2RevisionTemplate", "encryptionKey"),
        ("aiplatform", "GoogleCloudAiplatformV1SecretRef", "secret"),
        ("firebase", "WebAppConfig", "databaseURL"),
    ],
)
def test_the_name_of_a_key_or_of_a_secret_is_none(service: str, schema: str, name: str) -> None:
    schemas = [line.schema(schema) for line in default_catalogue()._services.of(service)]
    assert not any(secrets.is_secret(schema_.fields[name]) for schema_ in schemas if schema_ is not None)
