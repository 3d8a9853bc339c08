"""What people write wrong: roles, locations, numbers and references, in all formats, and words of settings."""

from __future__ import annotations

import json

import pytest

from setpoint.declarations.readers import load

BUCKET, FIREWALL = "storage.googleapis.com/Bucket", "compute.googleapis.com/Firewall"
HEAD = "apiVersion: setpoint.dev/v1\nkind: "
PLACED = "  annotations: {cnrm.cloud.google.com/project-id: shop-prod}\n"


def declared(data: str, name: str, asset_type: str) -> str:
    return (
        f"{HEAD}Declaration\nmetadata: {{name: '{name}', project: shop-prod}}\nspec:\n"
        f"  assetType: {asset_type}\n  data: {data}\n"
    )


def bucket(data: str) -> str:
    return declared(data, "//storage.googleapis.com/shop-data", BUCKET)


def compute(data: str, kind: str, path: str) -> str:
    return declared(data, f"//compute.googleapis.com/projects/shop-prod/{path}", f"compute.googleapis.com/{kind}")


def granted(role: str) -> str:
    text = declared(
        f"{{bindings: [{{role: {role}, members: ['group:a@b.com']}}]}}", "//storage.googleapis.com/b", BUCKET
    )
    return text.replace("  data:", "  content: iam_policy\n  data:")


def setting(kind: str, spec: str) -> str:
    return f"{HEAD}{kind}\nmetadata: {{name: fleet}}\nspec:\n{spec}"


def rule(text: str) -> str:
    return setting("Policy", f"  rules:\n  - name: a\n{text}")


def object_(kind: str, spec: str, group: str = "compute", name: str = "web") -> str:
    head = f"apiVersion: {group}.cnrm.cloud.google.com/v1beta1\nkind: {kind}\nmetadata:\n  name: {name}\n"
    return f"{head}{PLACED}spec:\n{spec}"


def grant(role: str, member: str) -> str:
    reference = "  resourceRef: {kind: Project, external: projects/shop-prod}\n"
    return object_("IAMPolicyMember", f"{reference}  role: {role}\n  member: {member}\n", "iam")


def plan(kind: str, values: dict[str, object]) -> str:
    resource = {
        "address": f"{kind}.x",
        "mode": "managed",
        "type": kind,
        "name": "x",
        "provider_name": "registry.terraform.io/hashicorp/google",
        "schema_version": 0,
        "values": values,
    }
    return json.dumps({"format_version": "1.2", "planned_values": {"root_module": {"resources": [resource]}}})


NETWORK = object_("ComputeNetwork", "  autoCreateSubnetworks: false\n", name="main-vpc")
WRONG = [
    ("a predefined role", granted("roles/storage.objectViewr"), 7, "objectViewr", "mean roles/storage.objectViewer?"),
    ("a basic role", granted("roles/viewr"), 7, "roles/viewr", "did you mean roles/viewer?"),
    ("a service of a role", granted("roles/storge.admin"), 7, "storge", "did you mean roles/storage.admin?"),
    (
        "a role by its letters",
        granted("roles/pubsub.Publisher"),
        7,
        "Publisher",
        "did you mean roles/pubsub.publisher?",
    ),
    ("true for a number", bucket("{retentionPolicy: {retentionPeriod: true}}"), 6, "True", "is not an integer"),
    ("a location of a bucket", bucket("{location: EUX}"), 6, "EUX", "did you mean EU?"),
    ("a region of a bucket", bucket("{location: europe-wst1}"), 6, "europe-wst1", "did you mean europe-west1?"),
    (
        "a zone",
        compute("{}", "Instance", "zones/europe-west1b/instances/web"),
        3,
        "europe-west1b",
        "did you mean europe-west1-b?",
    ),
    (
        "a region",
        compute("{}", "Subnetwork", "regions/us-centrall1/subnetworks/web"),
        3,
        "us-centrall1",
        "did you mean us-central1?",
    ),
    ("a negative priority", compute("{priority: -5}", "Firewall", "global/firewalls/web"), 6, "-5", "did you mean 5?"),
    ("a priority", compute("{priority: 70000}", "Firewall", "global/firewalls/web"), 6, "70000", "0 to 65535"),
    ("a negative size", compute("{sizeGb: -10}", "Disk", "zones/europe-west1-b/disks/web"), 6, "-10", "mean 10?"),
    ("a negative age", bucket("{lifecycle: {rule: [{condition: {age: -1}}]}}"), 6, "-1", "0 or more"),
    ("a role of an object", grant("roles/storage.objectViewr", "group:a@b.com"), 8, "Viewr", "objectViewer?"),
    ("a role without roles/", grant("storage.objectViewer", "group:a@b.com"), 8, "storage.obj", "mean roles/storage."),
    ("a member of an object", grant("roles/viewer", "usr:a@b.com"), 9, "usr", "did you mean user:a@b.com"),
    ("a priority of an object", object_("ComputeFirewall", "  priority: -1\n"), 7, "-1", "did you mean 1?"),
    (
        "a region of an object",
        object_("ComputeSubnetwork", "  region: europ-west1\n  ipCidrRange: 10.0.0.0/24\n"),
        7,
        "europ-west1",
        "did you mean europe-west1?",
    ),
    (
        "a reference",
        NETWORK + "---\n" + object_("ComputeFirewall", "  networkRef:\n    name: mian-vpc\n"),
        16,
        "mian-vpc",
        "did you mean main-vpc?",
    ),
    (
        "a reference without its dash",
        NETWORK + "---\n" + object_("ComputeFirewall", "  networkRef: {name: mainvpc}\n"),
        15,
        "ComputeNetwork mainvpc",
        "did you mean main-vpc?",
    ),
    (
        "a reference of another kind",
        NETWORK + "---\n" + object_("ComputeFirewall", "  networkRef: {name: main-vcp, kind: ComputeNetwork}\n"),
        15,
        "main-vcp",
        "did you mean main-vpc?",
    ),
    (
        "a range of a plan",
        plan("google_compute_firewall", {"name": "web", "project": "p-1", "source_ranges": ["10.0.0.0/40"]}),
        1,
        "google_compute_firewall.x",
        "10.0.0.0/24",
    ),
    (
        "a zone of a plan",
        plan("google_compute_disk", {"name": "web", "project": "p-1", "zone": "europe-west1b"}),
        1,
        "google_compute_disk.x",
        "did you mean europe-west1-b?",
    ),
    (
        "a role of a plan",
        plan(
            "google_project_iam_member",
            {"project": "p-1", "role": "roles/viewr", "member": "group:a@b.com", "condition": []},
        ),
        1,
        "google_project_iam_member.x",
        "did you mean roles/viewer?",
    ),
    ("a kind of drift", rule("    match: {kinds: [deletd]}\n"), 7, "deletd", "did you mean deleted?"),
    ("a field of a match", rule("    match: {team: [shop]}\n"), 7, "team", "did you mean teams"),
    ("a content", rule("    match: {contents: [iam]}\n"), 7, "iam", "iam_policy"),
    ("an executor", rule("    match: {}\n    executor: apii\n"), 8, "apii", "did you mean api?"),
    ("a severity of a match", rule("    match: {severities: [hgh]}\n"), 7, "hgh", "did you mean high?"),
    ("a field of a policy", setting("Policy", "  dryrun: true\n"), 5, "dryrun", "did you mean dryRun"),
    ("a truth value", setting("Policy", "  dryRun: of\n"), 5, "of", "true"),
    ("a negative limit", setting("Policy", "  maxWrites: -1\n"), 5, "maxWrites", ""),
    (
        "a content of a scope",
        setting("Scope", "  projects: [p]\n  assetTypes: ['*']\n  contents: [iam]\n"),
        7,
        "iam",
        "iam_",
    ),
    ("a destination", setting("Alerting", "  default: ['slak:#shop']\n"), 5, "slak", "slack"),
    (
        "a severity of a route",
        setting(
            "Alerting", "  default: ['slack:C1']\n  routes:\n  - match: {severities: [hihg]}\n    to: ['slack:C2']\n"
        ),
        7,
        "hihg",
        "did you mean high",
    ),
    (
        "a duration of an escalation",
        setting(
            "Alerting", "  default: ['slack:C1']\n  escalations:\n  - {match: {}, after: soon, to: ['slack:C2']}\n"
        ),
        7,
        "soon",
        "5m",
    ),
    ("a field of defaults", setting("Defaults", "  projct: shop-prod\n"), 5, "projct", "did you mean project"),
    ("a project of defaults", setting("Defaults", "  project: Shop Prod\n"), 5, "Shop Prod", "shop-prod"),
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


IGNORED = [
    ("a type", "storage.googleapis.com/Buckt versioning", "Buckt", f"did you mean {BUCKET}?"),
    ("a type in the plural", "storage.googleapis.com/Buckets", "Buckets", f"did you mean {BUCKET}?"),
    ("a service", "storge.googleapis.com/Bucket labels", "storge", f"did you mean {BUCKET}?"),
    ("a field", f"{BUCKET} versionning", "versionning", "did you mean versioning?"),
    ("an inner field", f"{BUCKET} versioning.enabld", "enabld", "did you mean enabled?"),
    ("an exception of a type", "!storage.googleapis.com/Buckt", "Buckt", f"did you mean {BUCKET}?"),
    ("a path", f"{BUCKET} lifecycle.rule[*", "lifecycle.rule[*", "is not a field path"),
    ("a quotation mark", f'{BUCKET} "labels', "quotation mark", "has no partner"),
]


@pytest.mark.parametrize(("line", "value", "meant"), [case[1:] for case in IGNORED], ids=[c[0] for c in IGNORED])
def test_a_wrong_line_of_an_ignore_file_is_told(line, value, meant, tmp_path):
    (tmp_path / "fleet.yaml").write_text(bucket("{location: EU}"))
    (tmp_path / ".setpointignore").write_text(f"# the rules\n{line}\n")
    loaded = load.load([str(tmp_path)])
    [message] = [str(problem) for problem in (*loaded.problems, *loaded.warnings)]
    assert message.startswith(f"{tmp_path / '.setpointignore'}:2: ")
    assert value in message
    assert meant in message


@pytest.mark.parametrize(
    "line",
    [
        "shop-*",
        BUCKET,
        f"{BUCKET} labels",
        f"{BUCKET} bindings",
        "storage.googleapis.com/shop-data",
        "newservice.googleapis.com/Thing",
    ],
)
def test_a_right_line_of_an_ignore_file_is_no_warning(line, tmp_path):
    (tmp_path / "fleet.yaml").write_text(bucket("{location: EU}"))
    (tmp_path / ".setpointignore").write_text(line)
    loaded = load.load([str(tmp_path)])
    assert [*loaded.problems, *loaded.warnings] == []


def state(kind: str, values: dict[str, object]) -> str:
    """A state as `terraform show -json` prints it: what is in it, an API has taken."""
    planned = json.loads(plan(kind, values))
    return json.dumps({"format_version": "1.0", "values": planned["planned_values"]})


RIGHT = {
    "custom roles": granted("projects/shop-prod/roles/storage.objectViewr"),
    "a role that may be newer than the table": granted("roles/storage.objectInsightsViewer"),
    "a role of a service that may be newer": granted("roles/quantumvault.viewer"),
    "a role with a version": granted("roles/compute.instanceAdmin.v1"),
    "a place of two regions": bucket("{location: nam4}"),
    "a country of App Engine": bucket("{location: us}"),
    "a region in capitals": bucket("{location: EUROPE-WEST1}"),
    "a location as a URL": compute(
        "{zone: 'https://www.googleapis.com/compute/v1/projects/p/zones/us-central1-ai1a'}",
        "Disk",
        "zones/us-central1-ai1a/disks/web",
    ),
    "the least and the most": compute("{priority: 65535}", "Firewall", "global/firewalls/web"),
    "zero": compute("{priority: 0}", "Firewall", "global/firewalls/web"),
    "a negative number with a meaning": declared(
        "{keyExpiresIn: '-1'}",
        "//apigee.googleapis.com/organizations/acme/developers/d/apps/a",
        "apigee.googleapis.com/DeveloperApp",
    ),
    "a reference to what is declared elsewhere": object_("ComputeFirewall", "  networkRef: {name: shared-vpc}\n"),
    "a reference to another of a number": NETWORK.replace("main-vpc", "vpc-1")
    + "---\n"
    + object_("ComputeFirewall", "  networkRef: {name: vpc-2}\n"),
    "a reference to another word": NETWORK + "---\n" + object_("ComputeFirewall", "  networkRef: {name: test-vpc}\n"),
    "a zone of a state": state("google_compute_disk", {"name": "web", "project": "p-1", "zone": "europe-west1b"}),
    "a type of an API that the inventory lacks": declared(
        "{name: t}",
        "//pubsublite.googleapis.com/projects/1/locations/us-central1-a/topics/t",
        "pubsublite.googleapis.com/Topic",
    ).replace("project: shop-prod", "project: '1'"),
}


@pytest.mark.parametrize("text", RIGHT.values(), ids=RIGHT)
def test_what_is_right_or_newer_than_the_tables_is_no_warning(text, tmp_path):
    (tmp_path / "fleet.yaml").write_text(text)
    loaded = load.load([str(tmp_path)])
    reported = [
        problem
        for problem in (*loaded.problems, *loaded.warnings)
        if problem.category in ("invalid", "value", "reference")
    ]
    assert [str(problem) for problem in reported] == []


def test_references_to_what_is_declared_elsewhere_are_counted_with_the_first_of_them(tmp_path):
    file = tmp_path / "fleet.yaml"
    file.write_text(object_("ComputeFirewall", "  networkRef: {name: shared-vpc}\n"))
    elsewhere = load.load([str(file)]).elsewhere
    assert (elsewhere.count, elsewhere.first) == (1, f"{file}:7: ComputeNetwork shared-vpc")
