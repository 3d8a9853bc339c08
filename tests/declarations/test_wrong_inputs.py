"""What people write wrong: each is told with its file, its line, the value, and what was meant."""

from __future__ import annotations

import pytest

from setpoint.declarations.readers import load

BUCKET, FIREWALL = "storage.googleapis.com/Bucket", "compute.googleapis.com/Firewall"
SHOP = "//storage.googleapis.com/shop-data"
WEB = "//compute.googleapis.com/projects/shop-prod/global/firewalls/web"
HEAD = "apiVersion: setpoint.dev/v1\nkind: "


def declared(data: str, name: str = SHOP, asset_type: str = BUCKET, metadata: str = "", spec: str = "") -> str:
    return (
        f"{HEAD}Declaration\nmetadata: {{name: '{name}', project: shop-prod{metadata}}}\nspec:\n"
        f"  assetType: {asset_type}\n{spec}  data: {data}\n"
    )


def firewall(data: str, name: str = WEB) -> str:
    return declared(data, name, FIREWALL)


def topic(data: str) -> str:
    return declared(data, "//pubsub.googleapis.com/projects/shop-prod/topics/t", "pubsub.googleapis.com/Topic")


def granted(role: str, member: str) -> str:
    bindings = f"{{bindings: [{{role: {role}, members: ['{member}']}}]}}"
    return declared(bindings, spec="  content: iam_policy\n")


def setting(kind: str, spec: str) -> str:
    return f"{HEAD}{kind}\nmetadata: {{name: fleet}}\nspec:\n{spec}"


def rule(text: str) -> str:
    return setting("Policy", f"  rules:\n  - name: a\n{text}")


def scope(text: str) -> str:
    return setting("Scope", text)


def alerting(text: str) -> str:
    return setting("Alerting", f"  default: ['slack:#shop']\n{text}")


def object_(kind: str, spec: str, group: str = "compute.cnrm.cloud.google.com") -> str:
    annotation = "cnrm.cloud.google.com/project-id: shop-prod"
    return (
        f"apiVersion: {group}/v1beta1\nkind: {kind}\nmetadata:\n  name: web\n"
        f"  annotations: {{{annotation}}}\nspec:\n{spec}"
    )


WRONG = [
    ("a kind", declared("{}").replace("Declaration", "Decleration"), 2, "Decleration", "did you mean Declaration"),
    ("a version", declared("{}").replace("dev/v1", "dev/v2"), 1, "setpoint.dev/v2", "did you mean setpoint.dev/v1"),
    ("a type", declared("{}", asset_type="storage.googleapis.com/Buckt"), 5, "Buckt", f"did you mean {BUCKET}"),
    ("a type in the plural", declared("{}", asset_type=f"{BUCKET}s"), 5, "Buckets", f"did you mean {BUCKET}"),
    ("a service", declared("{}", asset_type="storage.googleapi.com/Bucket"), 5, "googleapi.com", BUCKET),
    ("a field", declared("{loction: EU}"), 6, "loction", "did you mean location"),
    ("an inner field", declared("{versioning: {enabld: true}}"), 6, "enabld", "did you mean enabled"),
    ("an enum value", firewall("{direction: INGRES}"), 6, "INGRES", "did you mean INGRESS"),
    ("a word for a number", firewall("{priority: high}"), 6, "high", "an integer"),
    ("a number that is too large", firewall("{priority: 99999999999}"), 6, "99999999999", "0 to 65535"),
    ("a word for a truth value", firewall("{disabled: maybe}"), 6, "maybe", "true nor false"),
    ("a prefix of 33 bits", firewall("{sourceRanges: [10.0.0.0/33]}"), 6, "10.0.0.0/33", "10.0.0.0/24"),
    ("an address above 255", firewall("{sourceRanges: [10.0.0.300/32]}"), 6, "10.0.0.300/32", "10.0.0.0/24"),
    ("an IPv6 prefix", firewall("{sourceRanges: ['2001:db8::/129']}"), 6, "2001:db8::/129", "2001:db8::/48"),
    ("a list for a value", declared("{location: [EU]}"), 6, "location", "single value"),
    ("a value for a map", declared("{versioning: true}"), 6, "true", "enabled"),
    ("a role without roles/", granted("storage.admin", "user:a@b.com"), 7, "storage.admin", "roles/storage.admin"),
    ("a member without kind", granted("roles/viewer", "a@b.com"), 7, "a@b.com", "did you mean user:a@b.com"),
    ("a kind of member", granted("roles/viewer", "usr:a@b.com"), 7, "usr", "did you mean user:a@b.com"),
    ("a member without address", granted("roles/viewer", "group:team"), 7, "group:team", "group:team@"),
    ("a service account", granted("roles/viewer", "x@p.iam.gserviceaccount.com"), 7, "x@p", "serviceAccount:x@p"),
    ("everybody", granted("roles/viewer", "allUser"), 7, "allUser", "did you mean allUsers"),
    ("a project id", firewall("{}").replace("shop-prod", "Shop_Prod"), 3, "Shop_Prod", "did you mean shop-prod?"),
    ("another project", firewall("{}").replace("project: shop", "project: other"), 3, "other-prod", "shop-prod?"),
    ("a bucket's name", declared("{}", "//storage.googleapis.com/buckets/b"), 3, "buckets/b", "/my-bucket"),
    ("a name without slashes", declared("{}", "storage.googleapis.com/b"), 3, "full resource name", "//storage"),
    ("a name of another service", declared("{}", "//compute.googleapis.com/b"), 3, "compute.", "//storage."),
    ("a name of another type", firewall("{}", WEB.replace("firewalls", "networks")), 3, "/networks/", "/firewalls/"),
    ("a name without project", firewall("{}", WEB.replace("projects/shop-prod/", "")), 3, "/global/", "/projects/"),
    ("an ignored path", declared("{}", spec="  ignore: [versionning]\n"), 6, "versionning", "mean versioning"),
    ("an owner's field", declared("{}", metadata=", owner: {slak: x}"), 3, "slak", "did you mean slack"),
    ("an owner's address", declared("{}", metadata=", owner: {email: ann}"), 3, "ann", "team@example.com"),
    ("one resource twice", f"{declared('{}')}---\n{declared('{}')}", 10, SHOP, "declared already at"),
    ("a tab", "kind: Declaration\n\tspec: x\n", 2, "tab", "indentation"),
    ("a kind of an object", object_("ComputeFirewal", "  direction: INGRESS\n"), 2, "Firewal", "ComputeFirewall?"),
    ("a group", object_("ComputeFirewall", "  {}\n", "computee.cnrm.cloud.google.com"), 1, "computee", "mean compute."),
    ("a field of an object", object_("ComputeFirewall", "  directon: INGRESS\n"), 7, "directon", "mean direction"),
    ("a type of a scope", scope(f"  projects: [shop]\n  assetTypes: [{BUCKET}s]\n"), 6, "Buckets", f"mean {BUCKET}"),
    ("a project's name", scope("  projects: [Shop Prod]\n  assetTypes: ['*']\n"), 5, "Shop Prod", "mean shop-prod"),
    ("a project's path", scope("  projects: [projects/p]\n  assetTypes: ['*']\n"), 5, "projects/p", "did you mean p?"),
    ("a folder", scope("  folders: [abc]\n  assetTypes: ['*']\n"), 5, "folders", "use the form 123"),
    ("a field of a scope", scope("  project: [p]\n  assetTypes: ['*']\n"), 5, "project", "did you mean projects"),
    ("a scope without place", scope("  assetTypes: ['*']\n"), 4, "no place", "projects, folders"),
    ("a type of a rule", rule("    match: {assetTypes: [storage.googleapis.com/Buckt]}\n"), 7, "Buckt", BUCKET),
    ("a severity", rule("    match: {}\n    severity: hihg\n"), 8, "hihg", "did you mean high"),
    ("a mode", rule("    match: {}\n    mode: aproove\n"), 8, "aproove", "did you mean approve"),
    ("a path", rule(f"    match: {{assetTypes: [{BUCKET}], paths: [versionning]}}\n"), 7, "versionning", "versioning?"),
    ("a duration", rule("    match: {}\n    settle: soon\n"), 8, "duration", "30s"),
    ("a cron", rule("    match: {}\n    windows: [{cron: '99 * * * *', duration: 1h}]\n"), 8, "cron", "minute"),
    (
        "a time zone",
        rule("    match: {}\n    windows: [{cron: '0 * * * *', duration: 1h, timeZone: Europe/Berln}]\n"),
        8,
        "timeZone",
        "Europe/Berlin",
    ),
    (
        "a rule that is never reached",
        rule("    match: {}\n  - name: b\n    match: {kinds: [deleted]}\n"),
        8,
        "rule b is never reached",
        "move it up",
    ),
    (
        "a rule's name twice",
        rule("    match: {kinds: [deleted]}\n  - name: a\n    match: {kinds: [unmanaged]}\n"),
        5,
        "two rules",
        "a",
    ),
    ("a duration of a field", topic("{messageRetentionDuration: 7 days}"), 6, "7 days", "604800s"),
    ("an upper case letter in a label", declared("{labels: {Team: shop}}"), 6, "Team", "did you mean team"),
    ("an enum value of an object", object_("ComputeFirewall", "  direction: INGRES\n"), 7, "INGRES", "mean INGRESS"),
    ("a range of an object", object_("ComputeFirewall", "  sourceRanges:\n  - 10.0.0.0/40\n"), 8, "/40", "10.0.0.0/24"),
    ("an applier", setting("Policy", "  appliers: [terraform]\n"), 5, "terraform", "terraform@PROJECT"),
    ("alerting that tells nobody", setting("Alerting", "  routes: []\n"), 4, "no alert is sent", "default:"),
    (
        "approvers by name",
        alerting("  approvers: [{users: [bob]}]\n"),
        6,
        "bob",
        "U0123ABCD",
    ),
    (
        "approvers by a group's name",
        alerting("  approvers: [{groups: [platform]}]\n"),
        6,
        "platform",
        "S0123ABCD",
    ),
]


@pytest.mark.parametrize(("text", "line", "value", "meant"), [case[1:] for case in WRONG], ids=[c[0] for c in WRONG])
def test_a_wrong_input_is_told_with_its_line_its_value_and_what_was_meant(text, line, value, meant, tmp_path):
    file = tmp_path / "fleet.yaml"
    file.write_text(text)
    loaded = load.load([str(file)])
    messages = [str(problem) for problem in (*loaded.problems, *loaded.warnings)]
    assert any(
        message.startswith(f"{file}:{line}: ") and value in message and meant in message for message in messages
    ), messages
    assert not any(word in message for message in messages for word in ("Input should", "Value error", "pydantic"))


RIGHT = [
    firewall("{priority: 2147483647, sourceRanges: [10.1.2.3/8, '::/0', 35.191.0.0/16]}"),
    firewall("{description: 10.0.0.0/24 and 300.1.1.1/99}"),
    topic("{messageRetentionDuration: 604800, labels: {country: no, b-2: '', c_d: x}}"),
    topic("{messageRetentionDuration: 7d}"),
    granted("roles/viewer", "deleted:user:a@b.com?uid=1"),
    granted("roles/viewer", "principalSet://iam.googleapis.com/projects/1/x"),
    granted("roles/viewer", "projectViewer:shop-prod"),
    granted("organizations/1/roles/custom", "newKindOfTomorrow:x"),
    firewall("{priority: 5}")
    .replace("project: shop-prod", "project: shop-prod")
    .replace("projects/shop-prod", "projects/12"),
    scope("  projects: [example.com:shop, '123', 'shop-*']\n  assetTypes: ['*']\n"),
    rule("    match: {assetTypes: [storage.googleapis.com/Bucket], paths: ['versioning.enabled', 'labels.*']}\n"),
    setting("Policy", "  appliers: ['ci-*@*', deploy@p.iam.gserviceaccount.com]\n"),
]


@pytest.mark.parametrize("text", RIGHT)
def test_what_is_right_or_may_be_newer_than_this_version_is_not_refused(text, tmp_path):
    (tmp_path / "fleet.yaml").write_text(text)
    assert [str(problem) for problem in load.load([str(tmp_path)]).problems] == []
