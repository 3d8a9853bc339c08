"""The adapters behind the ports; no other package names them.

Adapters are imported where they are chosen, so that no process loads a client that it does not use.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, BinaryIO
from uuid import uuid4

from setpoint.bootstrap.events import event_bus
from setpoint.bootstrap.finding_sinks import open_finding_sinks
from setpoint.bootstrap.histories import history_run
from setpoint.bootstrap.inventories import open_file as open_file
from setpoint.bootstrap.inventories import open_inventory as open_inventory
from setpoint.bootstrap.inventories import open_inventory_files as open_inventory_files
from setpoint.bootstrap.live_apis import deep_reader, live_resources
from setpoint.bootstrap.projects import project_ancestors, project_directory
from setpoint.bootstrap.settings import VARIABLES, Settings, from_environment, installation_key
from setpoint.bootstrap.state_stores import open_store as open_store
from setpoint.bootstrap.state_stores import open_store_to_read as open_store_to_read
from setpoint.bootstrap.state_stores import secrecy_of as secrecy_of
from setpoint.bootstrap.state_stores import signed_in as signed_in
from setpoint.catalog.schemas import default_catalogue
from setpoint.errors import BadRequest
from setpoint.model.state_buckets import StateBucket, state_buckets
from setpoint.util import telemetry

if TYPE_CHECKING:
    from setpoint.adapters.google.cloud_storage import CloudStorageArchives
    from setpoint.adapters.google.iap import IapTokenVerifier
    from setpoint.adapters.pubsub.bus import PubSubFeed, PubSubStream
    from setpoint.adapters.pubsub.dead_letters import PubSubDeadLetterQueue
    from setpoint.adapters.pubsub.push_tokens import PushTokens
    from setpoint.adapters.slack.slack_requests import SlackRequests
    from setpoint.adapters.states.buckets import BucketStates
    from setpoint.alerting.context import AlertingContext
    from setpoint.alerting.interactions import GroupedFinding, InteractionHandler
    from setpoint.attribution.service import Attributor
    from setpoint.detection.installation_key import InstallationKey
    from setpoint.detection.pipeline import Context
    from setpoint.model.alerting_config import Alerting, SinkKind
    from setpoint.model.fleet_rules import Rules
    from setpoint.operations.diagnostics import Installation
    from setpoint.ports.people import Sink
    from setpoint.ports.queues import DeadLetters, SweepQueue
    from setpoint.ports.reports import ReportStore
    from setpoint.ports.services import ProjectDirectory
    from setpoint.remediation.context import RemediationContext
    from setpoint.reporting.console import Console
    from setpoint.reporting.daily_snapshot import Reporter
    from setpoint.sweep import Sweeper
    from setpoint.util.telemetry import Spans

_JITTER_SECONDS = 5.0


@cache
def detector() -> Context:
    """The context of ``functions/detect``, created by the first event and cached for the life of the instance."""
    from setpoint.adapters.pubsub.bus import publisher

    settings = from_environment(os.environ, "store", "events_topic", "dead_letter_topic")
    return _publishing_context(settings, publisher(), project_directory())


def worker(*, messages: int, size: int) -> tuple[PubSubStream, Context]:
    """The context of ``setpoint worker``: the stream of changes, and the context of detection.

    Args:
        messages: how many are held at most.
        size: bytes that are held at most.

    Raises:
        BadRequest: a setting is missing, the store cannot be opened, or there are no credentials.
    """
    from setpoint.adapters.pubsub.bus import PubSubStream, publisher, subscriber

    settings = from_environment(os.environ, "store", "events_topic", "dead_letter_topic", "subscription")
    stream = PubSubStream(subscriber(), settings.subscription, messages=messages, size=size)
    return stream, _publishing_context(settings, publisher(), project_directory())


@cache
def attributor() -> Attributor:
    """The context of ``functions/attribute``, created by the first event and cached for the life of the instance."""
    from setpoint.adapters.pubsub.bus import publisher
    from setpoint.attribution.service import Attributor

    settings = from_environment(os.environ, "store", "events_topic", "dead_letter_topic", "mask_ip", "own_accounts")
    masks, own = settings.masks_ip(), settings.accounts()
    return Attributor(_publishing_context(settings, publisher()), own, mask_ip=masks)


@cache
def declaration_applier() -> tuple[CloudStorageArchives, Context, BucketStates, Mapping[str, StateBucket], str]:
    """The context of ``functions/sync``, created by the first event and cached for the life of the instance."""
    from setpoint.adapters.google.cloud_storage import CloudStorageArchives, client
    from setpoint.adapters.states.buckets import BucketStates

    settings = from_environment(os.environ, "store", "events_topic", "state_buckets", "declarations_bucket")
    storage, detection = client(), open_detection(settings.store, settings.events_topic)
    buckets = state_buckets(settings.state_buckets)
    return CloudStorageArchives(storage), detection, BucketStates(storage), buckets, settings.declarations_bucket


@cache
def remediator() -> RemediationContext:
    """The context of ``functions/remediate``, created by the first event and cached for the life of the instance."""
    from setpoint.adapters.pubsub.bus import publisher
    from setpoint.remediation.context import RemediationContext

    settings = from_environment(os.environ, "store", "events_topic", "dead_letter_topic")
    detection = _publishing_context(settings, publisher(), project_directory())
    worker = f"setpoint-remediate/{uuid4().hex[:8]}"
    return RemediationContext(detection, live_resources(settings.google_apis), worker, project_ancestors())


@cache
def sweeper() -> Sweeper:
    """The context of ``functions/sweep``, created by the first message and cached for the life of the instance."""
    from setpoint.adapters.google.asset_inventory import AssetInventory, QuotaRetryPolicy, client
    from setpoint.adapters.pubsub.bus import publisher
    from setpoint.adapters.pubsub.sweep_queue import PubSubSweepQueue
    from setpoint.sweep import Sweeper

    settings = from_environment(
        os.environ,
        "store",
        "events_topic",
        "dead_letter_topic",
        "sweep_topic",
        "sweep_seconds",
        "history_calls",
        "mask_ip",
        "own_accounts",
    )
    topics = publisher()
    # What does not answer is left to the next delivery: a run that waits for it would only be cut off.
    inventory = AssetInventory(client(), QuotaRetryPolicy(in_all=30.0, call=30.0))
    queue = PubSubSweepQueue(topics, settings.sweep_topic)
    context = _publishing_context(settings, topics)
    read_due = deep_reader(context, settings.google_apis)
    kept, seconds = settings.parsed_retention(), settings.seconds()
    return Sweeper(
        context,
        inventory,
        queue,
        seconds=seconds,
        jitter=_JITTER_SECONDS,
        retention=kept,
        read_due=read_due,
        read_history=history_run(context, settings.calls_of_history()),
    )


@cache
def slack_requests() -> SlackRequests:
    """The context of ``functions/slack_actions``, created by the first request and cached for its life."""
    from setpoint.adapters.pubsub.bus import publisher
    from setpoint.adapters.pubsub.interaction_queue import PubSubInteractionQueue
    from setpoint.adapters.slack.slack_requests import SlackRequests

    settings = from_environment(os.environ, "slack_signing_secret", "actions_topic")
    return SlackRequests(settings.slack_signing_secret, PubSubInteractionQueue(publisher(), settings.actions_topic))


@cache
def notifier() -> AlertingContext:
    """The context of ``functions/notify``, created by the first message and cached for the life of the instance."""
    from setpoint.adapters.pubsub.bus import publisher
    from setpoint.adapters.pubsub.sweep_queue import PubSubSweepQueue

    settings = from_environment(
        os.environ,
        "store",
        "events_topic",
        "dead_letter_topic",
        "slack_token",
        "sinks",
        "sweep_topic",
        "history_calls",
    )
    topics = publisher()
    queue = PubSubSweepQueue(topics, settings.sweep_topic) if settings.calls_of_history() else None
    return open_alerting(settings, _publishing_context(settings, topics), queue)


def open_alerting(settings: Settings, detection: Context, queue: SweepQueue | None = None) -> AlertingContext:
    """Open the context of alerting.

    Args:
        settings: with Slack's token, and the addresses of webhooks.
        detection: the findings and their rules.
        queue: takes requests to read the history of a finding; None where none is read.

    Raises:
        BadRequest: the setting of webhooks cannot be read.
    """
    from setpoint.alerting import service
    from setpoint.alerting.context import AlertingContext
    from setpoint.alerting.repository import NoticeRecords

    records = NoticeRecords(detection.store.notices)
    return AlertingContext(
        detection.store,
        detection.dead_letters,
        {**open_sinks(settings), **open_finding_sinks(settings, detection.store, records, detection.secrecy)},
        open_interaction_handler(
            settings, detection, lambda thread: service.findings_of_thread(thread, records), queue
        ),
        detection.clock,
    )


def open_interaction_handler(
    settings: Settings,
    detection: Context,
    members: Callable[[str], Iterable[GroupedFinding]],
    queue: SweepQueue | None = None,
) -> InteractionHandler:
    """Open the handler of button clicks.

    Args:
        settings: with Slack's token.
        detection: the findings and their rules, which orders change.
        members: the findings of a message that shows several, by its id.
        queue: takes requests to read the history of a finding; None where none is read.
    """
    from setpoint.adapters.slack.slack_client import client
    from setpoint.adapters.slack.slack_users import SlackPeople
    from setpoint.alerting.interactions import InteractionHandler

    people = SlackPeople(client(settings.slack_token, settings.slack_api))
    return InteractionHandler(detection, people, members, _alerting_of, queue)


def _alerting_of(rules: Rules) -> Alerting:
    from setpoint.model.alerting_config import Alerting

    return rules.alerting or Alerting()


def open_sinks(settings: Settings) -> Mapping[SinkKind, Sink]:
    """The sinks of messages by kind; a sink without settings refuses every message.

    Raises:
        BadRequest: the setting of webhooks cannot be read.
    """
    from setpoint.adapters.slack.sink import SlackSink
    from setpoint.adapters.slack.slack_client import client
    from setpoint.adapters.webhooks.google_chat import GoogleChatSink
    from setpoint.adapters.webhooks.http_post import session
    from setpoint.adapters.webhooks.sink_addresses import Addresses
    from setpoint.adapters.webhooks.webhook import WebhookSink

    addresses, hooks = Addresses(settings.sinks), session()
    return {
        "slack": SlackSink(client(settings.slack_token, settings.slack_api)),
        "chat": GoogleChatSink(addresses, hooks),
        "webhook": WebhookSink(addresses, hooks),
    }


@cache
def console() -> Console:
    """The context of ``functions/console``, created by the first request and cached for the life of the instance."""
    from setpoint.reporting.console import Console

    settings = from_environment(os.environ, "store", "iap_audience")
    return Console(open_for_reading(settings.store), settings.store, token_verifier(settings.iap_audience))


def token_verifier(audience: str) -> IapTokenVerifier:
    """The verifier of Identity-Aware Proxy's tokens, with Google's public keys."""
    from setpoint.adapters.google.iap import IapTokenVerifier, transport

    return IapTokenVerifier(audience, transport())


def open_for_reading(url: str) -> ReportStore:
    """Open a store by its URL, without any object that could write to it.

    Raises:
        BadRequest: the URL names no store, or there is none.
    """
    from setpoint.adapters.read_only_store import ReadOnly

    return ReadOnly(open_store(url, create=False))


@cache
def reporter() -> Reporter:
    """The context of ``functions/report``, created by the first message and cached for the life of the instance."""
    from setpoint.adapters.google.bigquery import BigQueryWarehouse, client
    from setpoint.reporting.daily_snapshot import Reporter

    settings = from_environment(os.environ, "store", "dataset")
    project, dot, _ = settings.dataset.partition(".")
    if not dot:
        raise BadRequest(f"{VARIABLES['dataset']} is project.dataset, not `{settings.dataset}`")
    return Reporter(open_store(settings.store), BigQueryWarehouse(client(project), settings.dataset))


@cache
def push_tokens() -> PushTokens | None:
    """The verifier of push tokens; None where no caller is configured."""
    settings = from_environment(os.environ)
    if not settings.push_account:
        return None
    from setpoint.adapters.pubsub.push_tokens import PushTokens

    return PushTokens(settings.push_audience, settings.push_account)


@cache
def home_project() -> str:
    """The project of an installation, which is the project of its topics; empty without topics."""
    place, _, rest = from_environment(os.environ).events_topic.partition("/")
    return rest.partition("/")[0] if place == "projects" else ""


@cache
def spans() -> Spans | None:
    """The exporter of spans; None without ``OTEL_EXPORTER_OTLP_ENDPOINT``, or if the exporter cannot be loaded."""
    if not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        return None
    from setpoint.adapters.otlp import OtlpSpans, exporter

    try:
        return OtlpSpans(exporter(), os.environ.get("K_SERVICE", "setpoint"))
    except BadRequest as error:  # no message is to wait for spans
        telemetry.log("ERROR", f"no spans are sent: {error}")
        return None


def _publishing_context(settings: Settings, client: Any, directory: ProjectDirectory | None = None) -> Context:
    """The context of detection that publishes to an installation's topics, with a client of ``adapters.pubsub``."""
    from setpoint.adapters.pubsub.bus import PubSubBus, PubSubDeadLetters
    from setpoint.detection.pipeline import Context
    from setpoint.operations.dead_letters import EncryptedDeadLetters

    store = open_store(settings.store)
    key = installation_key(store, os.environ)
    return Context(
        store=store,
        bus=PubSubBus(client, settings.events_topic),
        dead_letters=EncryptedDeadLetters(PubSubDeadLetters(client, settings.dead_letter_topic), key.read),
        schemas=default_catalogue(),
        directory=directory,
        secret_key=key.read,
    )


def open_feed_detection(
    store: str,
    dead_letters: DeadLetters,
    events: BinaryIO | None,
    events_topic: str | None,
    *,
    resolves_projects: bool = False,
    create: bool = True,
) -> Context:
    """Open the context of ``setpoint detect``.

    Args:
        store: URL of the store.
        dead_letters: what the command does with messages that cannot be handled; they are encrypted with the key of a
            store that stays.
        events: where events are written as JSON Lines; None leaves them stored until they are published.
        events_topic: publish to this topic instead, ``projects/P/topics/T``.
        resolves_projects: whether Cloud Resource Manager is asked for projects that are not known.
        create: whether a store that is not there is made.

    Raises:
        BadRequest: the URL names no store, or the store cannot be opened.
    """
    from setpoint.detection.pipeline import Context
    from setpoint.operations.dead_letters import EncryptedDeadLetters

    directory = project_directory() if resolves_projects else None
    opened = open_store(store, create=create)
    key = installation_key(opened, os.environ)
    return Context(
        opened,
        event_bus(events, events_topic),
        dead_letters if store == "memory:" else EncryptedDeadLetters(dead_letters, key.read),
        default_catalogue(),
        directory=directory,
        secret_key=key.read,
    )


def open_detection(store: str, events_topic: str | None, *, create: bool = True) -> Context:
    """Open the context that evaluates findings again after a change of declarations.

    Args:
        store: URL of the store.
        events_topic: where events go, ``projects/P/topics/T``; None leaves them stored for the next detector.
        create: whether a store that is not there is made.

    Raises:
        BadRequest: the URL names no store, or the store cannot be opened.
    """
    from setpoint.adapters.memory.store import MemoryDeadLetters
    from setpoint.detection.pipeline import Context

    opened, bus = open_store(store, create=create), event_bus(None, events_topic)
    key = installation_key(opened, os.environ)
    return Context(opened, bus, MemoryDeadLetters(), default_catalogue(), secret_key=key.read)


def open_installation_key(store: str) -> InstallationKey:
    """The key of an existing store, unwrapped with the keys in the environment.

    Raises:
        BadRequest: the URL names no store, the store cannot be opened, or a wrapping key is too short.
    """
    return installation_key(open_store(store, create=False), os.environ)


def open_remediation(store: str, events_topic: str | None, worker: str) -> RemediationContext:
    """Open the context of remediation for the command line, with the caller's credentials.

    Args:
        store: URL of the store.
        events_topic: where events go, ``projects/P/topics/T``; None leaves them stored until they are published.
        worker: who is working, for the audit trail.

    Raises:
        BadRequest: the URL names no store, the store cannot be opened, or there are no credentials.
    """
    from setpoint.remediation.context import RemediationContext

    live = live_resources(from_environment(os.environ).google_apis)
    detection = replace(open_detection(store, events_topic, create=False), directory=project_directory())
    return RemediationContext(detection, live, worker=worker, places=project_ancestors())


def dead_letters_in(stream: BinaryIO) -> DeadLetters:
    """Dead letters as JSON Lines on a stream."""
    from setpoint.adapters.jsonl import JsonlDeadLetters

    return JsonlDeadLetters(stream)


def open_subscription(name: str) -> PubSubFeed:
    """A Pub/Sub subscription for pulling; on the emulator if ``PUBSUB_EMULATOR_HOST`` is set.

    Raises:
        BadRequest: there are no credentials.
    """
    from setpoint.adapters.pubsub.bus import PubSubFeed, subscriber

    return PubSubFeed(subscriber(), name)


def open_installation(project: str, region: str, watch: tuple[str, ...], store: str) -> Installation:
    """A live installation for diagnostics, with the credentials of the environment.

    Args:
        project: the project that it runs in.
        region: the region of its functions.
        watch: what it watches.
        store: URL of its store.

    Raises:
        BadRequest: there are no credentials.
    """
    from setpoint.adapters.google.rest import open_apis
    from setpoint.operations.diagnostics import Installation

    opened = cache(lambda: open_store(store, create=False))
    return Installation(project, region, watch, opened, store, open_apis(from_environment(os.environ).google_apis))


def open_dead_letter_queue(project: str, subscription: str) -> PubSubDeadLetterQueue:
    """The dead-letter queue of an installation; on the emulator if ``PUBSUB_EMULATOR_HOST`` is set.

    Args:
        project: the project's id.
        subscription: the short name of the subscription.

    Raises:
        BadRequest: there are no credentials.
    """
    from setpoint.adapters.pubsub.bus import publisher, subscriber
    from setpoint.adapters.pubsub.dead_letters import PubSubDeadLetterQueue

    return PubSubDeadLetterQueue(subscriber(), publisher(), f"projects/{project}/subscriptions/{subscription}")
