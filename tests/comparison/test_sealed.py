"""Declared secrets of which only keyed digests are stored."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters, MemoryStore
from setpoint.catalog.schemas import default_catalogue
from setpoint.comparison import sealed
from setpoint.comparison.masking import Masking
from setpoint.declarations import apply
from setpoint.declarations.apply import ApplyRequest
from setpoint.declarations.readers.load import LoadResult
from setpoint.detection import pipeline, verdict
from setpoint.detection.pipeline import Context
from setpoint.model.declaration import Declaration, desired
from setpoint.model.difference import Difference
from setpoint.model.fleet_rules import Rules
from setpoint.model.observation import Observation
from setpoint.model.references import Project
from setpoint.model.resource_key import ResourceKey
from setpoint.model.secrecy import Secrecy, holds_hidden, holds_sealed, sealed_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = Secrecy(b"k" * 32)
OTHER = Secrecy(b"o" * 32)
JOB = "run.googleapis.com/Job"
TUNNEL = "compute.googleapis.com/VpnTunnel"
FUNCTION = "cloudfunctions.googleapis.com/Function"


def declared(asset_type: str, data: Any, by: Secrecy = KEY, **more: Any) -> Declaration:
    more.setdefault("digests", by.key_id())
    return Declaration(ResourceKey("//service/resource"), asset_type, data, **more)


def differences(declaration: Declaration, live: Any, by: Secrecy = KEY) -> tuple[Difference, ...]:
    observation = Observation(declaration.key, declaration.asset_type, NOON, data=live)
    return verdict.differences(declaration, observation, default_catalogue(), Masking(by))


def environment(*entries: tuple[str, Any]) -> dict[str, Any]:
    env = [{"name": name, "value": value} for name, value in entries]
    return {"template": {"template": {"containers": [{"image": "gcr.io/shop/nightly", "env": env}]}}}


PASSWORD = "correct horse"  # noqa: S105 - the secret of these tests


def test_a_seal_says_neither_its_value_nor_its_length():
    seal = KEY.sealed(PASSWORD)
    assert seal == KEY.sealed(PASSWORD) != OTHER.sealed(PASSWORD)
    assert PASSWORD not in seal
    assert len(seal) == len(KEY.sealed("x"))
    assert holds_hidden({"a": [seal]})


def test_the_id_of_a_key_tells_it_from_others():
    assert KEY.key_id() == Secrecy(b"k" * 32).key_id() != OTHER.key_id()


def test_a_value_is_as_declared_if_its_digest_is():
    job = declared(JOB, environment(("DB_PASSWORD", KEY.sealed(PASSWORD)), ("MODE", "prod")))
    assert differences(job, environment(("DB_PASSWORD", PASSWORD), ("MODE", "prod"))) == ()


def test_a_changed_secret_is_a_difference_that_shows_neither_value():
    job = declared(JOB, environment(("DB_PASSWORD", KEY.sealed(PASSWORD)), ("MODE", "prod")))
    (difference,) = differences(job, environment(("DB_PASSWORD", "hunter2"), ("MODE", "prod")))
    assert difference.path == "template.template.containers[0].env[name=DB_PASSWORD].value"
    assert difference.declared == f"(hidden, digest {KEY.digest(PASSWORD)[:4]})"
    assert difference.observed == KEY.hidden("hunter2")
    assert difference.hidden
    assert KEY.digest(PASSWORD) not in str(difference)


def test_what_is_shown_by_its_form_is_hidden_where_it_is_sealed():
    job = declared(JOB, environment(("MODE", KEY.sealed("prod"))))
    (difference,) = differences(job, environment(("MODE", "debug")))
    assert "debug" not in str(difference)


def test_two_changes_of_one_secret_are_two_drifts():
    job = declared(JOB, environment(("DB_PASSWORD", KEY.sealed(PASSWORD))))
    first, other = (differences(job, environment(("DB_PASSWORD", value))) for value in ("hunter2", "hunter3"))
    assert first != other
    assert verdict.fingerprint("modified", map(msgspec.json.encode, first)) != verdict.fingerprint(
        "modified", map(msgspec.json.encode, other)
    )


def test_the_text_of_a_seal_is_no_secret():
    seal = KEY.sealed(PASSWORD)
    job = declared(JOB, environment(("DB_PASSWORD", seal)))
    for forged in (seal, f"(hidden, digest {KEY.digest(PASSWORD)[:4]})"):
        assert len(differences(job, environment(("DB_PASSWORD", forged)))) == 1
    command = declared(JOB, {"template": {"template": {"containers": [{"args": [seal]}]}}})
    assert len(differences(command, {"template": {"template": {"containers": [{"args": [seal]}]}}})) == 1


def test_a_persons_text_that_looks_like_a_seal_is_a_text():
    seal = KEY.sealed(PASSWORD)
    job = declared(JOB, environment(("DB_PASSWORD", seal)), digests="")
    assert differences(job, environment(("DB_PASSWORD", seal))) == ()
    assert len(differences(job, environment(("DB_PASSWORD", PASSWORD)))) == 1


def test_a_removed_entry_is_missed():
    job = declared(JOB, environment(("DB_PASSWORD", KEY.sealed(PASSWORD)), ("MODE", "prod")))
    (difference,) = differences(job, environment(("MODE", "prod")))
    assert difference.op == "missing"
    assert holds_hidden(difference.declared)
    function = declared(FUNCTION, {"environmentVariables": {"TOKEN": KEY.sealed("t"), "MODE": "prod"}})
    (lost,) = differences(function, {"environmentVariables": {"MODE": "prod"}})
    assert (lost.path, lost.op) == ("environmentVariables.TOKEN", "missing")


@pytest.mark.parametrize("live", [{"sharedSecret": "********"}, {}])
def test_a_secret_that_the_server_masks_or_keeps_to_itself_is_unchecked(live: dict[str, Any]):
    tunnel = declared(TUNNEL, {"sharedSecret": KEY.sealed(PASSWORD, withheld=True), "region": "europe-west1"})
    assert differences(tunnel, {"region": "europe-west1", **live}) == ()


def test_a_secret_that_may_be_withheld_and_is_not_is_compared():
    tunnel = declared(TUNNEL, {"sharedSecret": KEY.sealed(PASSWORD, withheld=True)})
    assert [each.path for each in differences(tunnel, {"sharedSecret": "hunter2"})] == ["sharedSecret"]


def test_a_marked_field_that_apis_return_is_missed_where_it_is_gone():
    tunnel = declared(TUNNEL, {"peerIp": KEY.sealed("10.1.1.1")})
    (difference,) = differences(tunnel, {"region": "europe-west1"})
    assert (difference.path, difference.op) == ("peerIp", "missing")


@pytest.mark.parametrize("zero", [False, 0])
def test_a_sealed_zero_is_as_declared_where_it_is_absent(zero: Any):
    tunnel = declared("storage.googleapis.com/Bucket", {"versioning": {"enabled": KEY.sealed(zero)}})
    assert differences(tunnel, {"versioning": {}}) == ()
    assert len(differences(tunnel, {"versioning": {"enabled": True}})) == 1


def test_a_sealed_switch_that_is_gone_is_off():
    bucket = declared("storage.googleapis.com/Bucket", {"versioning": {"enabled": KEY.sealed(True)}})
    assert len(differences(bucket, {"name": "b"})) == 1
    assert differences(bucket, {"versioning": {"enabled": True}}) == ()


def test_numbers_are_equal_as_texts():
    database = declared("sqladmin.googleapis.com/Instance", {"settings": {"dataDiskSizeGb": KEY.sealed(100)}})
    assert differences(database, {"settings": {"dataDiskSizeGb": "100"}}) == ()
    assert len(differences(database, {"settings": {"dataDiskSizeGb": "200"}})) == 1


LINK = "https://www.googleapis.com/compute/v1/projects/shop/global/networks/main"


@pytest.mark.parametrize("spelled", [LINK, "projects/shop/global/networks/main", "main"])
def test_a_reference_has_several_spellings(spelled: str):
    rule = declared("compute.googleapis.com/Firewall", {"network": KEY.sealed(spelled), "priority": 7})
    assert differences(rule, {"network": LINK, "priority": 7}) == ()
    assert [each.path for each in differences(rule, {"network": LINK, "priority": 8})] == ["priority"]


def test_a_reference_in_an_unknown_spelling_leaves_the_state_unknown():
    rule = declared("compute.googleapis.com/Firewall", {"network": KEY.sealed("projects/12/global/networks/main")})
    observation = Observation(rule.key, rule.asset_type, NOON, data={"network": LINK})
    walk = sealed.comparison_of(rule, rule.data, observation.data, None, Project(), Masking(KEY))
    assert walk.differences  # without a schema it is a text
    schema = default_catalogue().schema_for(rule.asset_type)
    walk = sealed.comparison_of(rule, rule.data, observation.data, schema, Project(), Masking(KEY))
    assert [each.reason for each in walk.unchecked] == [sealed.SPELLINGS]


def test_another_word_of_an_enum_is_drift_and_an_unknown_word_is_not():
    zone = declared("dns.googleapis.com/ManagedZone", {"visibility": KEY.sealed("private")})
    assert differences(zone, {"visibility": "private"}) == ()
    assert differences(zone, {"visibility": "PRIVATE"}) == ()
    assert [each.path for each in differences(zone, {"visibility": "public"})] == ["visibility"]
    later = declared("dns.googleapis.com/ManagedZone", {"visibility": KEY.sealed("of-a-later-version")})
    assert differences(later, {"visibility": "public"}) == ()


def test_flags_are_equal_as_words():
    cluster = "container.googleapis.com/Cluster"
    flag = "insecureKubeletReadonlyPortEnabled"
    for word in (True, "true", "TRUE"):
        config = declared(cluster, {"nodePoolAutoConfig": {"nodeKubeletConfig": {flag: KEY.sealed(word)}}})
        assert differences(config, {"nodePoolAutoConfig": {"nodeKubeletConfig": {flag: True}}}) == ()
        assert len(differences(config, {"nodePoolAutoConfig": {"nodeKubeletConfig": {flag: False}}})) == 1
        assert len(differences(config, {"nodePoolAutoConfig": {"nodeKubeletConfig": {}}})) == 1


@pytest.mark.parametrize("spelled", ["5400s", "90m", "1h30m", "1h30m0s", "5400", 5400, "5400.000s"])
def test_a_duration_is_the_same_in_each_unit(spelled: Any):
    topic = declared("pubsub.googleapis.com/Topic", {"messageRetentionDuration": KEY.sealed(spelled)})
    assert differences(topic, {"messageRetentionDuration": "5400s"}) == ()
    assert len(differences(topic, {"messageRetentionDuration": "5401s"})) == 1


def test_a_reference_is_the_same_by_the_number_of_its_project():
    rule = declared("compute.googleapis.com/Firewall", {"network": KEY.sealed("projects/12/global/networks/main")})
    schema = default_catalogue().schema_for(rule.asset_type)
    for own, unknown in ((Project("shop", "12"), 0), (Project("shop", "13"), 1), (Project("other", "12"), 1)):
        walk = sealed.comparison_of(rule, rule.data, {"network": LINK}, schema, own, Masking(KEY))
        assert (len(walk.differences), len(walk.unchecked)) == (0, unknown)


def test_what_a_digest_cannot_tell_makes_the_state_unknown():
    rule = declared("compute.googleapis.com/Firewall", {"network": KEY.sealed("projects/12/global/networks/main")})
    seen = Observation(rule.key, rule.asset_type, NOON, data={"network": LINK})
    judged = verdict.judge(desired((rule,)), Rules(), seen, default_catalogue(), secrecy=KEY)
    assert judged.kind is None
    assert [each.reason for each in judged.unknown] == [sealed.SPELLINGS]


def test_free_text_is_compared_exactly():
    job = declared(JOB, environment(("URL", KEY.sealed("prod"))))
    for other in ("https://evil.example/prod", "PROD", "projects/prod"):
        assert len(differences(job, environment(("URL", other)))) == 1


def test_elements_of_lists_are_compared_in_any_order():
    ranges = declared("compute.googleapis.com/Firewall", {"sourceRanges": [KEY.sealed("10.0.0.0/8"), "10.1.0.0/16"]})
    assert differences(ranges, {"sourceRanges": ["10.1.0.0/16", "10.0.0.0/8"]}) == ()
    (difference,) = differences(ranges, {"sourceRanges": ["10.1.0.0/16", "0.0.0.0/0"]})
    assert difference.path == "sourceRanges"
    assert "0.0.0.0/0" not in str(difference)


def test_elements_without_names_are_matched_by_their_digests():
    rules = [{"ports": [KEY.sealed("22")], "IPProtocol": "tcp"}, {"ports": [KEY.sealed("53")], "IPProtocol": "tcp"}]
    rule = declared("compute.googleapis.com/Firewall", {"allowed": rules})
    live = [{"ports": ["53"], "IPProtocol": "tcp"}, {"ports": ["22"], "IPProtocol": "tcp"}]
    assert differences(rule, {"allowed": live}) == ()
    assert len(differences(rule, {"allowed": [live[0], {"ports": ["23"], "IPProtocol": "tcp"}]})) == 1


def test_a_map_that_is_owned_whole_has_one_digest():
    whole = KEY.sealed({"A": "1", "B": "2"})
    function = declared(FUNCTION, {"environmentVariables": whole}, exhaustive_paths=("environmentVariables",))
    assert differences(function, {"environmentVariables": {"B": "2", "A": "1"}}) == ()
    (difference,) = differences(function, {"environmentVariables": {"B": "2", "A": "1", "C": "customer"}})
    assert difference.path == "environmentVariables"
    assert "customer" not in str(difference)


def test_the_digest_of_another_key_is_no_drift_and_makes_the_state_unknown():
    job = declared(JOB, environment(("DB_PASSWORD", OTHER.sealed(PASSWORD)), ("MODE", "prod")), by=OTHER)
    assert differences(job, environment(("DB_PASSWORD", "anything"), ("MODE", "prod"))) == ()
    assert [each.path for each in differences(job, environment(("DB_PASSWORD", "x"), ("MODE", "y")))] == [
        "template.template.containers[0].env[name=MODE].value"
    ]
    judged = verdict.judge(
        desired((job,)),
        Rules(),
        Observation(job.key, JOB, NOON, data=environment(("DB_PASSWORD", PASSWORD), ("MODE", "prod"))),
        default_catalogue(),
        secrecy=KEY,
    )
    assert [each.reason for each in judged.unknown] == [sealed.OTHER_KEY]


@pytest.mark.parametrize(
    ("data", "live"),
    [
        ({"sourceRanges": [OTHER.sealed("10.0.0.0/8")]}, {"sourceRanges": ["10.0.0.0/8"]}),
        ({"allowed": [{"IPProtocol": OTHER.sealed("tcp")}]}, {"allowed": [{"IPProtocol": "tcp"}]}),
        ({"logConfig": {"enable": OTHER.sealed(False)}}, {"logConfig": {}}),
    ],
)
def test_no_digest_of_another_key_is_drift(data: Any, live: Any):
    assert differences(declared("compute.googleapis.com/Firewall", data, by=OTHER), live) == ()


def test_elements_with_sealed_names_of_another_key_are_left_alone():
    data = environment((OTHER.sealed("NAME"), "1"), ("MODE", "prod"))
    assert differences(declared(JOB, data, by=OTHER), environment(("NAME", "1"), ("MODE", "prod"))) == ()


DATABASE = "sqladmin.googleapis.com/Instance"


def networks(*pairs: tuple[str, str]) -> dict[str, Any]:
    listed = [{"name": name, "value": value} for name, value in pairs]
    return {"settings": {"ipConfiguration": {"authorizedNetworks": listed}}}


def test_elements_with_sealed_names_are_paired_by_them():
    """Terraform marks a set as a whole where one of its elements holds a secret."""
    office, home = ("office", "10.1.0.0/16"), ("home", "10.2.0.0/16")
    database = declared(DATABASE, networks(*(tuple(map(KEY.sealed, pair)) for pair in (office, home))))
    assert differences(database, networks(home, office)) == ()
    (difference,) = differences(database, networks(home, ("office", "10.9.0.0/16")))
    digest = KEY.digest("office")[:4]
    path = f"settings.ipConfiguration.authorizedNetworks[name=(hidden, digest {digest})].value"
    assert (difference.path, difference.op) == (path, "changed")
    assert "10.9" not in str(difference)
    assert [each.op for each in differences(database, networks(home))] == ["missing"]
    assert [each.op for each in differences(database, networks(home, office, ("x", "1.1.1.1/32")))] == ["unexpected"]


@pytest.mark.parametrize("count", [3, 70, 900])
def test_long_lists_of_sealed_texts_are_compared_in_any_order(count: int):
    ranges = [f"10.{number // 250}.{number % 250}.0/24" for number in range(count)]
    sealed_ranges = [KEY.sealed(text) if number % 3 else text for number, text in enumerate(ranges)]
    rule = declared("compute.googleapis.com/Firewall", {"sourceRanges": sealed_ranges})
    assert differences(rule, {"sourceRanges": ranges[::-1]}) == ()
    for other in (ranges[1:], [*ranges, "0.0.0.0/0"], ["0.0.0.0/0", *ranges[1:]], [*ranges[:-1], "0.0.0.0/0"]):
        (difference,) = differences(rule, {"sourceRanges": other[::-1]})
        assert difference.path == "sourceRanges"
        assert "0.0.0.0/0" not in str(difference.observed)


def test_sealed_words_of_a_command_are_compared_in_their_order():
    job = declared(JOB, {"template": {"template": {"containers": [{"args": ["--pin", KEY.sealed("1"), "--x"]}]}}})

    def live(*args: str) -> dict[str, Any]:
        return {"template": {"template": {"containers": [{"args": list(args)}]}}}

    assert differences(job, live("--pin", "1", "--x")) == ()
    for other in (("1", "--pin", "--x"), ("--pin", "2", "--x"), ("--pin", "1"), ("--pin", "1", "--x", "--y")):
        assert len(differences(job, live(*other))) == 1


def test_many_sealed_objects_without_names_are_compared_in_order_or_unknown():
    rules = [{"IPProtocol": "tcp", "ports": [str(number)]} for number in range(80)]
    sealed_rules = [{"IPProtocol": "tcp", "ports": [KEY.sealed(rule["ports"][0])]} for rule in rules]
    rule = declared("compute.googleapis.com/Firewall", {"allowed": sealed_rules})
    schema = default_catalogue().schema_for(rule.asset_type)
    walks = [
        sealed.comparison_of(rule, rule.data, {"allowed": live}, schema, Project(), Masking(KEY))
        for live in (rules, rules[::-1])
    ]
    assert [walk.differences for walk in walks] == [[], []]
    assert [[each.reason for each in walk.unchecked] for walk in walks] == [[], [sealed.TOO_MANY]]


def test_bytes_are_equal_in_each_alphabet():
    asset_type, path = "cloudscheduler.googleapis.com/Job", ("httpTarget", "body")
    job = declared(asset_type, {path[0]: {path[1]: KEY.sealed("+/+/YQ==")}})
    for spelled in ("+/+/YQ==", "-_-_YQ", "-_-_YQ=="):
        assert differences(job, {path[0]: {path[1]: spelled}}) == ()
    assert len(differences(job, {path[0]: {path[1]: "+/+/Yg=="}})) == 1


def test_a_drift_stays_open_while_its_digest_cannot_be_checked():
    """The store has lost its key, and the state is not applied yet."""
    store, bus = MemoryStore(), MemoryBus()

    def context(key: bytes) -> Context:
        return Context(store, bus, MemoryDeadLetters(), default_catalogue(), lambda: NOON, secret_key=key)

    env = environment(("A", KEY.sealed("1")), ("B", KEY.sealed("2")), ("MODE", "prod"))
    job = declared(JOB, env, project="shop")
    apply.sync(LoadResult([desired((job,))]), ApplyRequest("net"), context(b"k" * 32), NOON)
    outcomes = []
    for minute, key, values in ((1, b"k", "1x"), (2, b"o", "1x"), (3, b"o", "12"), (4, b"k", "12")):
        live = environment(("A", values[0]), ("B", values[1]), ("MODE", "prod"))
        seen = Observation(job.key, JOB, NOON.replace(minute=minute), data=live)
        outcomes.append(pipeline.handle_observation(seen, context(key * 32)))
    assert outcomes == ["opened", "unknown", "unknown", "resolved"]


def test_another_key_is_said_once():
    env = [(f"V{number}", OTHER.sealed(str(number))) for number in range(300)]
    job = declared(JOB, environment(*env), by=OTHER)
    schema = default_catalogue().schema_for(JOB)
    live = environment(*((name, "x") for name, _ in env))
    walk = sealed.comparison_of(job, job.data, live, schema, Project(), Masking(KEY))
    assert [(each.path, each.reason) for each in walk.unchecked] == [("template", sealed.OTHER_KEY)]
    assert walk.unchecked_leaves == 300


def test_a_path_shows_as_many_digits_as_a_value():
    data = environment((KEY.sealed("NAME"), "1"), ("MODE", "prod"))
    differing = differences(declared(JOB, data), environment(("OTHER", "1"), ("MODE", "prod")))
    assert differing
    assert KEY.digest("NAME") not in str(differing)


def test_only_whole_texts_are_seals():
    seal = KEY.sealed(PASSWORD)
    assert sealed_of(seal) is not None
    assert holds_sealed(["x", {"y": f"{seal}M"}])
    for text in (f"{seal} ", f"x{seal}", seal[:-2] + ")", "(hidden)", seal.upper(), "", seal + "\n"):
        assert sealed_of(text) is None


@pytest.mark.parametrize("value", [10**30, "\ud800", 0.1, -5, "", "é", {"a": 10**30}, True])
def test_any_value_can_be_sealed_and_compared(value: Any):
    bucket = declared("storage.googleapis.com/Bucket", {"anything": KEY.sealed(value)})
    assert differences(bucket, {"anything": value}) == ()
    assert len(differences(bucket, {"anything": "other"})) == 1
