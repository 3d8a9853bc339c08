"""Checks of functions, jobs, permissions and the clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from setpoint.detection.installation_key import VARIABLE
from setpoint.model.secrecy import KEY_BYTES
from setpoint.operations.diagnostics.installation import Installation
from setpoint.operations.diagnostics.pubsub import subscriptions_of
from setpoint.operations.diagnostics.result import APPLY, Diagnosis

FUNCTIONS = ("detect", "sweep", "sync")
"""What no installation can do without."""
HIDING = ("attribute", "detect", "notify", "remediate", "sweep", "sync")
"""Those that have the key by which secrets are hidden."""
_IN_PLAIN = "in plain"
JOBS = ("setpoint-sweep", "setpoint-heal")
APIS = ("cloudasset", "firestore", "pubsub", "run", "cloudscheduler")
MINE = (
    "cloudfunctions.functions.list",
    "cloudscheduler.jobs.list",
    "datastore.databases.get",
    "datastore.entities.get",
    "monitoring.timeSeries.list",
    "pubsub.subscriptions.list",
    "pubsub.topics.get",
    "pubsub.topics.getIamPolicy",
)
"""The permissions on the project that the calling account needs to read all of it."""
_SKEW_DOUBTFUL = 5.0
_SKEW_ILL = 60.0


def permissions(installation: Installation) -> Iterator[Diagnosis]:
    """The caller has the permissions that the checks need."""
    missing = sorted(set(MINE) - installation.permitted(list(MINE)))
    if missing:
        yield "warn", f"the calling account lacks: {', '.join(missing)}", "grant roles/viewer on the project"
    else:
        yield "pass", "the calling account has all read permissions"


def apis(installation: Installation) -> Iterator[Diagnosis]:
    """The APIs are enabled."""
    yield from enabled(installation, APIS)


def enabled(installation: Installation, names: Iterable[str]) -> Iterator[Diagnosis]:
    """APIs are enabled in the project, by their names without ``.googleapis.com``."""
    for name in names:
        url = f"https://serviceusage.googleapis.com/v1/projects/{installation.project}/services/{name}.googleapis.com"
        state = (installation.get(url, "serviceusage.services.get") or {}).get("state")
        do = f"gcloud services enable {name}.googleapis.com --project={installation.project}"
        yield ("pass", f"{name} is enabled") if state == "ENABLED" else ("fail", f"{name} is not enabled", do)


def functions_of(installation: Installation) -> dict[str, dict[str, Any]]:
    """Setpoint's functions, by their names without the prefix."""
    url = f"https://cloudfunctions.googleapis.com/v2/projects/{installation.project}/locations/{installation.region}/functions"
    listed = installation.listed(url, "functions", "cloudfunctions.functions.list")
    named = {function["name"].rpartition("/")[2]: function for function in listed}
    return {
        name.removeprefix("setpoint-"): function for name, function in named.items() if name.startswith("setpoint-")
    }


def functions(installation: Installation) -> Iterator[Diagnosis]:
    """The functions exist, are active, and have the same settings of the store."""
    deployed = functions_of(installation)
    for name in FUNCTIONS:
        if name not in deployed:
            yield "fail", f"there is no function setpoint-{name} in {installation.region}", APPLY
    for name, function in deployed.items():
        state = function.get("state", "")
        store = environment(function).get("SETPOINT_STORE", installation.store_url)
        if state != "ACTIVE":
            yield "fail", f"setpoint-{name} is {state or 'in no state'}", "look at its last build in the console"
        elif store != installation.store_url:
            yield (
                "fail",
                f"setpoint-{name} keeps its state in {store}, not in {installation.store_url}",
                "check --store",
            )
        else:
            yield "pass", f"setpoint-{name} is up"


def environment(function: dict[str, Any]) -> dict[str, str]:
    """The environment variables of a function."""
    variables: dict[str, str] = function.get("serviceConfig", {}).get("environmentVariables") or {}
    return variables


def versions(installation: Installation) -> Iterator[Diagnosis]:
    """All functions run the same archive."""
    built: dict[str, list[str]] = {}
    for name, function in functions_of(installation).items():
        source = function.get("buildConfig", {}).get("source", {}).get("storageSource", {}).get("object", "")
        built.setdefault(source, []).append(name)
    if len(built) > 1:
        sources = "; ".join(f"{', '.join(sorted(names))} of {source or '?'}" for source, names in sorted(built.items()))
        yield (
            "fail",
            f"functions are of different versions: {sources}",
            "a deployment stopped half-way; run `terraform apply` again",
        )
    elif built:
        yield "pass", f"all functions are of {next(iter(built)) or 'one archive'}"


def tokens(installation: Installation) -> Iterator[Diagnosis]:
    """Every push subscription sends the token that its function expects."""
    deployed = functions_of(installation)
    for name, subscription in subscriptions_of(installation).items():
        push = subscription.get("pushConfig") or {}
        function = push.get("pushEndpoint", "").partition("//setpoint-")[2]
        owner = next((key for key in sorted(deployed, key=len, reverse=True) if function.startswith(f"{key}-")), "")
        if not owner:
            continue
        wanted, token = environment(deployed[owner]), push.get("oidcToken") or {}
        pairs = (("SETPOINT_PUSH_ACCOUNT", "serviceAccountEmail"), ("SETPOINT_PUSH_AUDIENCE", "audience"))
        wrong = [variable for variable, key in pairs if wanted.get(variable) and wanted[variable] != token.get(key)]
        if wrong:
            yield "fail", f"{name} pushes with another token than {', '.join(wrong)} of setpoint-{owner} says", APPLY
        else:
            yield "pass", f"{name} pushes with the token that setpoint-{owner} wants"


def secret_key(installation: Installation) -> Iterator[Diagnosis]:
    """All functions that mask secrets have the same key, and the key in the store is wrapped with it."""
    by_key: dict[str, list[str]] = {}
    for name, function in functions_of(installation).items():
        if name in HIDING:
            by_key.setdefault(_key_of(function), []).append(name)
    if len(by_key) > 1:
        keys = "; ".join(f"{', '.join(sorted(names))}: {key or 'none'}" for key, names in sorted(by_key.items()))
        yield "fail", f"functions have different keys in {VARIABLE}: {keys}", APPLY
        return
    key = next(iter(by_key), "")
    if key == _IN_PLAIN:
        yield "warn", f"{VARIABLE} is in plain in the settings of functions", "secret_key_version of the module"
    stored = installation.store().stored_key()
    if key and len(stored) == KEY_BYTES:
        yield "warn", "the key in the store is not wrapped yet", "`setpoint secret-key wrap`; see docs/security.md"
    elif not key and len(stored) > KEY_BYTES:
        yield (
            "fail",
            f"the key of the store is wrapped, and functions have no {VARIABLE}",
            "set secret_key_version",
        )
    else:
        yield "pass", f"functions have one key, {key or 'that of the store'}"


def _key_of(function: dict[str, Any]) -> str:
    """The source of a function's wrapping key."""
    if VARIABLE in environment(function):
        return _IN_PLAIN
    secrets = function.get("serviceConfig", {}).get("secretEnvironmentVariables") or ()
    keys = [secret for secret in secrets if secret.get("key") == VARIABLE]
    return f"version {keys[0].get('version')} of {keys[0].get('secret')}" if keys else ""


def jobs(installation: Installation) -> Iterator[Diagnosis]:
    """The Cloud Scheduler jobs are enabled, and their last attempt succeeded."""
    url = (
        f"https://cloudscheduler.googleapis.com/v1/projects/{installation.project}/locations/{installation.region}/jobs"
    )
    listed = installation.listed(url, "jobs", "cloudscheduler.jobs.list")
    configured = {job["name"].rpartition("/")[2]: job for job in listed}
    for name in JOBS:
        if name not in configured:
            yield "fail", f"there is no job {name}", APPLY
    for name, job in configured.items():
        if not name.startswith("setpoint-"):
            continue
        code = job.get("status", {}).get("code", 0)
        if job.get("state") != "ENABLED":
            do = (
                f"gcloud scheduler jobs resume {name} --location={installation.region} --project={installation.project}"
            )
            yield "fail", f"the job {name} is {job.get('state', 'off').lower()}", do
        elif code:
            yield (
                "fail",
                f"the last try of the job {name} failed (code {code})",
                "check that Scheduler may publish to its topic",
            )
        else:
            yield "pass", f"the job {name} is on"


def clock(installation: Installation) -> Iterator[Diagnosis]:
    """The local clock agrees with Google's; with a wrong clock, commands misjudge what is due."""
    skew = abs((installation.now() - installation.api.time()).total_seconds())
    if skew > _SKEW_ILL:
        yield "fail", f"this machine's clock is off by {skew:.0f} s", "synchronise it, for example with NTP"
    elif skew > _SKEW_DOUBTFUL:
        yield "warn", f"this machine's clock is off by {skew:.0f} s", "synchronise it, for example with NTP"
    else:
        yield "pass", "this machine's clock is accurate"
