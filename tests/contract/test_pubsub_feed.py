"""Pulling from Pub/Sub: what is a mistake and stays one, and what is an outage and passes."""

from __future__ import annotations

import pytest
from google.api_core import exceptions
from google.auth.exceptions import RefreshError

from setpoint.adapters.pubsub.bus import PubSubDeadLetters, PubSubFeed, subscriber
from setpoint.errors import BadRequest, Unavailable

NAME = "projects/p/subscriptions/s"


@pytest.mark.parametrize(
    ("failure", "translated", "retried"),
    [
        (exceptions.NotFound("Resource not found"), BadRequest, "there is no projects/p/subscriptions/s"),
        (exceptions.PermissionDenied("no"), BadRequest, "grant roles/pubsub.subscriber"),
        (exceptions.Forbidden("no"), BadRequest, "grant roles/pubsub.subscriber"),
        (exceptions.Unauthenticated("who?"), BadRequest, "gcloud auth application-default login"),
        (exceptions.InvalidArgument("bad name"), BadRequest, "projects/PROJECT/subscriptions/NAME"),
        (RefreshError("expired"), BadRequest, "gcloud auth application-default login"),
        (exceptions.ServiceUnavailable("Getting metadata from plugin failed with error: x"), BadRequest, "log in"),
        (exceptions.ServiceUnavailable("try later"), Unavailable, "try later"),
        (exceptions.TooManyRequests("slowly"), Unavailable, "slowly"),
        (exceptions.InternalServerError("oops"), Unavailable, "oops"),
        (exceptions.Aborted("again"), Unavailable, "again"),
    ],
)
def test_only_an_outage_is_worth_another_pull(mocker, failure, translated, retried):
    client = mocker.Mock(**{"pull.side_effect": failure})
    with pytest.raises(translated, match=retried):
        PubSubFeed(client, NAME).pull()


def test_a_pull_that_brings_nothing_in_time_is_no_failure(mocker):
    client = mocker.Mock(**{"pull.side_effect": exceptions.DeadlineExceeded("5 s")})
    assert PubSubFeed(client, NAME).pull() == []


@pytest.mark.emulator
def test_a_misspelt_subscription_is_a_mistake(pubsub):
    client = subscriber()
    for name in (f"projects/{pubsub.project}/subscriptions/nowhere", "nowhere"):
        with pytest.raises(BadRequest, match="nowhere"):
            PubSubFeed(client, name).pull()
    client.close()


def letter(pubsub, attributes, message=b"x"):
    topic = pubsub.topic("dead-letters")
    subscription = pubsub.subscription(topic)
    PubSubDeadLetters(pubsub.publisher, topic).put(message, attributes, "because")
    (copy,) = pubsub.received(subscription)
    return copy, dict(copy.attributes)


@pytest.mark.emulator
def test_attributes_that_are_called_like_the_clients_own_arguments_are_kept_under_another_name(pubsub):
    names = ("self", "topic", "data", "ordering_key", "retry", "timeout", "reason")
    _, message = letter(pubsub, {**dict.fromkeys(names, "own"), "original_topic": "first", "a": "1"})
    assert message == {
        "reason": "because",
        "a": "1",
        "original_topic": "first",
        "original_original_topic": "own",
        **{f"original_{name}": "own" for name in names if name != "topic"},
    }


@pytest.mark.emulator
def test_what_pubsub_has_no_room_for_is_cut(pubsub):
    many = {f"key-{number}": "v" for number in range(150)}
    _, message = letter(pubsub, {"k" * 300: "ü" * 600, **many})
    assert len(message) == 100
    assert message["k" * 256] == "ü" * 512
    assert message["reason"] == "because"


def test_a_letter_is_no_larger_than_a_message_may_be(mocker):
    client = mocker.Mock()
    attributes = {f"key-{number}": "v" * 1024 for number in range(99)}
    PubSubDeadLetters(client, "projects/p/topics/t").put(b"x" * 9_850_000, attributes, "because")
    (_, message), sent = client.publish.call_args
    assert len(message) + sum(len(key) + len(value) for key, value in sent.items()) < 10_000_000
    assert sent == {"cut_from_bytes": "9850000", "reason": "because"}
