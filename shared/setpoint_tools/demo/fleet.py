"""The sample fleet: which resources each project has."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from setpoint.model.declaration import Scope
from setpoint_tools.demo import access, messaging, networks, organisation, stores, workloads
from setpoint_tools.demo.asset_types import ACCOUNT, FIREWALL
from setpoint_tools.demo.samples import Project, Sample, Site
from setpoint_tools.demo.server_defaults import Server
from setpoint_tools.demo.spelling_variants import SpellingVariator

KEY_RING = "projects/keys-prod/locations/europe-west1/keyRings"


@dataclass(frozen=True, slots=True)
class Fleet:
    """The sample fleet.

    Args:
        projects: its projects.
        samples: its resources, declared or not.
        scopes: what is declared in full.
    """

    projects: list[Project]
    samples: list[Sample]
    scopes: list[Scope]

    @property
    def declared(self) -> list[Sample]:
        """The resources that somebody declared."""
        return [sample for sample in self.samples if sample.declared is not None]


def make() -> Fleet:
    """The same fleet each time."""
    projects = organisation.projects()
    samples = [sample for project in projects for sample in _made(project)]
    security = organisation.TEAMS["security"]
    samples.append(access.folder_policies(security, organisation.FOLDER, organisation.CUSTOMER))
    scopes = [
        Scope(
            name="firewalls-are-declared",
            projects=tuple(project.id for project in projects if project.owner.team == "network"),
            asset_types=(FIREWALL.asset_type,),
            owner=security,
            mode="approve",
        ),
        Scope(
            name="payments-identities-are-declared",
            projects=("payments-prod", "payments-staging"),
            asset_types=(ACCOUNT.asset_type,),
            owner=security,
        ),
        Scope(
            name="storefront-grants-are-declared",
            projects=("storefront-prod",),
            asset_types=("*",),
            owner=security,
            contents=("iam_policy",),
        ),
    ]
    return Fleet(projects, samples, scopes)


def _made(project: Project) -> Iterator[Sample]:
    rng = random.Random(project.id)  # noqa: S311 - a sample, no secret
    site = Site(project, SpellingVariator(rng), Server(rng))
    yield from _MAKERS[project.owner.team](site)


def _network(site: Site) -> Iterator[Sample]:
    yield networks.network(site)
    for block, region in enumerate(("europe-west1", "europe-west3", "europe-west4"), start=10):
        yield networks.subnetwork(site, region, block)
    office, proxies = ["198.51.100.0/28", "203.0.113.16/29"], ["35.191.0.0/16", "130.211.0.0/22"]
    yield networks.firewall(site, "allow-iap-ssh", ["22"], ["35.235.240.0/20"], ["allow-iap-ssh"])
    yield networks.firewall(site, "allow-health-checks", ["80", "443", "8080"], proxies, ["web", "api"])
    yield networks.firewall(site, "allow-office-admin", ["443", "9443"], office, ["admin"])
    yield networks.firewall(site, "allow-internal-postgres", ["5432"], ["10.10.0.0/20", "10.12.0.0/20"], ["postgres"])
    yield networks.firewall(site, "allow-internal-metrics", ["9090-9100"], ["10.8.0.0/13"], ["metrics"])
    environment = site.project.environment
    yield networks.zone(site, "internal", f"{environment}.internal.example.com.", private=True)
    yield networks.zone(site, "public", f"{environment}.example.com.", private=False)
    declared = {"roles/owner": ["group:network-admins@example.com"], "roles/compute.networkAdmin": _people("ana.ruiz")}
    yield access.project_policy(site, declared, {}, "policy")
    if environment == "prod":
        yield networks.stray_firewall(site, "temp-debug-rdp", ["0.0.0.0/0"])
        yield networks.stray_firewall(site, "default-allow-ssh", ["10.128.0.0/9"])


def _security(site: Site) -> Iterator[Sample]:
    admins = {"roles/owner": ["group:security-admins@example.com"]}
    if site.project.id == "keys-prod":
        for ring in ("payments", "billing", "storefront", "data", "ml"):
            for name in ("storage", "database"):
                yield access.key(site, ring, name)
        condition = {
            "title": "until the audit ends",
            "expression": 'request.time < timestamp("2026-12-31T00:00:00Z")',
        }
        yield access.conditional_policy(
            site, admins, "roles/cloudkms.viewer", "group:auditors@partner.example.com", condition
        )
        return
    logs = stores.bucket(site, "example-audit-logs", key=f"{KEY_RING}/data/cryptoKeys/storage")
    yield logs
    yield access.bucket_policy(site, logs, {"roles/storage.objectViewer": ["group:auditors@example.com"]}, "role")
    yield stores.dataset(site, "audit_events")
    yield messaging.sink(site, "audit-archive", "storage.googleapis.com/example-audit-logs", 'logName:"cloudaudit"')
    tables = f"bigquery.googleapis.com/projects/{site.project.id}/datasets/audit_events"
    yield messaging.sink(site, "audit-analysis", tables, 'logName:"activity" AND severity>=NOTICE')
    yield access.account(site, "log-reader", "reads the archive for investigations")
    yield access.project_policy(site, admins | {"roles/logging.viewer": ["group:auditors@example.com"]}, {}, "policy")


def _product(site: Site) -> Iterator[Sample]:
    """The services of a team that sells something; development has less of everything."""
    project, team = site.project, site.project.owner.team
    api, worker = f"{team}-api", f"{team}-worker"
    for name in (api, worker):
        yield access.account(site, name, f"runs {name}")
        yield workloads.service(site, name, f"{name}@{project.id}.iam.gserviceaccount.com")
    exports = stores.bucket(site, f"example-{project.id}-exports", key=f"{KEY_RING}/{team}/cryptoKeys/storage")
    yield exports
    uploads = stores.bucket(site, f"example-{project.id}-uploads", ignore=("labels.last-touched",))
    yield uploads
    if project.id == "storefront-prod":
        yield access.undeclared_bucket_policy(site, uploads)
    yield access.bucket_policy(
        site, exports, {"roles/storage.objectViewer": [f"group:{team}-team@example.com"]}, "role"
    )
    for name in ("orders", "invoices", "dead-letters"):
        yield messaging.topic(site, name)
    yield messaging.subscription(site, f"{worker}-orders", "orders", f"https://{worker}-x4f7qz2kva-ew.a.run.app/orders")
    yield messaging.subscription(site, "warehouse-invoices", "invoices")
    yield stores.database(site, f"{team}-main")
    yield access.secret(site, "psp-api-key" if team == "payments" else "partner-api-key")
    if project.environment == "prod":
        yield stores.redis(site, f"{team}-sessions", exact=("redisConfigs",))
        yield stores.repository(site, "images")
    yield _product_policy(site)
    if project.id == "payments-prod":
        yield access.stray_account(site, "quick-fix")
    if project.id == "storefront-dev":
        yield access.stray_account(site, "playground")


def _product_policy(site: Site) -> Sample:
    """Production owns all grants of the project; staging its roles; development only what it needs itself."""
    team = site.project.owner.team
    declared = {
        "roles/viewer": [f"group:{team}-team@example.com", *_people("mira.okafor", "jon.berg")],
        "roles/run.developer": [f"serviceAccount:deployer@{site.project.id}.iam.gserviceaccount.com"],
    }
    if site.project.environment == "prod":
        return access.project_policy(site, declared, {}, "policy")
    others = {"roles/editor": [f"group:{team}-developers@example.com"], "roles/browser": _people("lea.stone")}
    if site.project.environment == "staging":
        return access.project_policy(site, declared, others, "role")
    return access.project_policy(site, declared, others | {"roles/viewer": _people("sam.kim")}, "member")


def _data(site: Site) -> Iterator[Sample]:
    name = site.project.id.partition("-")[0]
    for stage in ("raw", "curated", "scratch"):
        key = "" if stage == "scratch" else f"{KEY_RING}/data/cryptoKeys/storage"
        yield stores.bucket(site, f"example-{site.project.id}-{stage}", key=key)
        yield stores.dataset(site, f"{name}_{stage}")
    yield messaging.topic(site, "changes")
    yield messaging.topic(site, "dead-letters")
    yield messaging.subscription(site, "loader-changes", "changes")
    yield access.account(site, "loader", "loads what comes in")
    readers = {"roles/bigquery.dataViewer": ["group:analysts@example.com", *_people("iris.wong", "tom.reed")]}
    others = {"roles/owner": ["group:data-admins@example.com"]}
    yield access.project_policy(site, readers, others, "role")


def _learning(site: Site) -> Iterator[Sample]:
    account = f"trainer@{site.project.id}.iam.gserviceaccount.com"
    yield access.account(site, "trainer", "trains models and serves them")
    yield stores.bucket(site, f"example-{site.project.id}-models", key=f"{KEY_RING}/ml/cryptoKeys/storage")
    yield workloads.cluster(site, f"ml-{site.project.id.partition('-')[0]}")
    for number in (1, 2, 3):
        yield workloads.instance(site, f"worker-{number}", "n2-standard-8", account)
    others = {"roles/editor": ["group:ml-developers@example.com"]}
    yield access.project_policy(site, {"roles/aiplatform.user": ["group:ml-team@example.com"]}, others, "member")


def _people(*names: str) -> list[str]:
    return [f"user:{name}@example.com" for name in names]


_MAKERS: dict[str, Callable[[Site], Iterator[Sample]]] = {
    "network": _network,
    "security": _security,
    "payments": _product,
    "billing": _product,
    "storefront": _product,
    "data": _data,
    "ml": _learning,
}
