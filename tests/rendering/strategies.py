"""Anything that may be told: findings of any size, with values of whoever wants to be shown otherwise than he is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, get_args

import msgspec
from hypothesis import strategies as st

from setpoint.model.actors import Actor, ActorKind, Confidence
from setpoint.model.declaration import Mode, Owner, Source
from setpoint.model.difference import Difference
from setpoint.model.events import DriftData, EventType, RemediationData, Status
from setpoint.model.grouping import cause_of
from setpoint.model.notice_view import FindingView, GroupView, Links, TimelineEntry
from setpoint.model.remediation_attempt import RemediationStep as RemedyStep
from setpoint.model.resource_key import CONTENTS
from setpoint.model.severity import SEVERITIES, Kind

NASTY = (
    "<!channel>",
    "<!here|x>",
    "@here",
    "@channel hello",
    "@everyone",
    "<@U012AB3CD>",
    "<#C024BE7LR>",
    "<https://evil.example|setpoint.example.com>",
    "https://evil.example/?a=1&b=2",
    "mallory@evil.example",
    "&amp;&lt;&&&",
    "&" * 500,
    "`",
    "```",
    "``` `` `x` ```",
    "*bold* _italic_ ~gone~",
    ":rotating_light:",
    "a\u202egnp.exe",
    "zero\u200bwidth\u2060\ufeff",
    "\u2066isolated\u2069",
    "\x00\x07\x1b[31m",
    "line\nline\r\n\u2028line",
    "👩‍👩‍👧‍👦" * 40,
    "e" + "\u0301" * 400,
    "🇩🇪🇫🇷" * 20,
    "\U0001f44d\U0001f3fd",
    "\u3164\u2800\u115f",
    "{{ 7*7 }}<script>alert(1)</script>",
    "(hidden, 14 characters, digest 3f9a)",
    "",
    " ",
    "true",
    "x" * 3_000,
)
_any = st.text(st.characters(exclude_categories=("Cs",)), max_size=60)
words = st.one_of(
    st.sampled_from(NASTY),
    _any,
    st.lists(st.one_of(st.sampled_from(NASTY), _any), min_size=2, max_size=4).map("".join),
    st.builds(lambda part, times: (part or "x") * times, _any, st.integers(1, 200)),
)
names = st.builds(
    lambda service, path, times: f"//{service}.googleapis.com/{(path or 'x') * times}"[:3_000],
    st.sampled_from(("storage", "compute", "run")),
    st.one_of(st.sampled_from(("buckets/b", "projects/p/zones/z/instances/i")), words),
    st.integers(1, 100),
)
times = st.datetimes(datetime(2001, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - Hypothesis asks for naive ones
_scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63), st.floats(allow_nan=False, allow_infinity=False), words
)
values: st.SearchStrategy[Any] = st.recursive(
    _scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(words, inner, max_size=5)),
    max_leaves=12,
)
_huge = st.builds(lambda value, count: [value] * count, values, st.integers(100, 2_000))
_sides = st.one_of(values, st.just(msgspec.UNSET), st.just("(hidden, 14 characters, digest 3f9a)"), _huge)
_grant = st.builds(
    lambda role, member, title: {"role": role, "member": member} | ({"condition": {"title": title}} if title else {}),
    words,
    words,
    words,
)
differences = st.one_of(
    st.builds(
        Difference,
        path=words,
        op=st.sampled_from(("changed", "missing", "unexpected")),
        declared=_sides,
        observed=_sides,
        immutable=st.booleans(),
        declared_path=words,
    ),
    st.builds(lambda grant: Difference("bindings[x].members[y]", "unexpected", observed=grant), _grant),
    st.builds(lambda grant: Difference("bindings[x].members[y]", "missing", declared=grant), _grant),
)
actors = st.builds(
    Actor,
    principal=words,
    kind=st.sampled_from(get_args(ActorKind)),
    confidence=st.sampled_from(get_args(Confidence)),
    method=words,
    requested_at=times,
    through=st.lists(words, max_size=4).map(tuple),
    caller=st.one_of(st.sampled_from(("", "console", "terraform")), words),
    ip=words,
    others=st.lists(words, max_size=15).map(tuple),
)
remediations = st.builds(
    RemediationData,
    step=st.one_of(st.sampled_from(get_args(RemedyStep)), words),
    executor=st.sampled_from(("api", "handoff", "propose")),
    attempts=st.integers(0, 9),
    approved_by=words,
    summary=st.lists(words, max_size=20).map(tuple),
    reason=st.one_of(st.just("the policy is a dry run"), words),
)
sources = st.builds(
    Source,
    file=words,
    line=st.integers(0, 10**6),
    repo=st.one_of(st.just("https://github.com/acme/fleet.git"), st.just("git@gitlab.example.com:a/b.git"), words),
    commit=words,
)


@st.composite
def drifts(draw: st.DrawFn, most: int = 10_000) -> DriftData:
    """A finding of up to ten thousand fields; few of them are made up, and repeated."""
    some = draw(st.lists(differences, max_size=8))
    many = (some * draw(st.sampled_from((1, 1, 5, most))))[:most]
    name = draw(st.one_of(names, words))
    return DriftData(
        finding_id=draw(st.one_of(st.just("1556833f047a85d28afd00c7e27b1775"), words)),
        resource_name=name,
        asset_type=draw(
            st.one_of(st.sampled_from(("storage.googleapis.com/Bucket", "run.googleapis.com/Service")), words)
        ),
        content=draw(st.sampled_from(CONTENTS)),
        project=draw(words),
        kind=draw(st.sampled_from(get_args(Kind))),
        status=draw(st.sampled_from(get_args(Status))),
        severity=draw(st.sampled_from(SEVERITIES)),
        mode=draw(st.sampled_from(get_args(Mode))),
        owner=draw(st.builds(Owner, team=words, slack=words, email=words)),
        differences=tuple(many),
        difference_count=len(many) + draw(st.sampled_from((0, 0, 7))),
        fingerprint=draw(words),
        observed_at=draw(times),
        first_seen=draw(times),
        last_seen=draw(times),
        count=draw(st.integers(1, 10**6)),
        episodes=draw(st.integers(1, 10**6)),
        declared_in=draw(sources),
        reason=draw(st.one_of(st.sampled_from(("", "in sync", "gone", "ignored", "no longer declared")), words)),
        previous_data=draw(st.one_of(st.none(), values)),
        remediation=draw(st.one_of(st.none(), remediations)),
        actor=draw(st.one_of(st.none(), actors)),
        resolved_at=draw(st.one_of(st.none(), times)),
        ancestors=tuple(draw(st.lists(words, max_size=12))),
    )


_whats = st.one_of(st.sampled_from((*get_args(EventType), "approved", "exempted", "accepted")), words)
steps = st.builds(TimelineEntry, occurred_at=times, what=_whats, by=words, text=words)


@st.composite
def showns(draw: st.DrawFn, most: int = 10_000) -> FindingView:
    return FindingView(
        event=draw(st.sampled_from(get_args(EventType))),
        event_time=draw(times),
        data=draw(drifts(most)),
        steps=tuple(draw(st.lists(steps, max_size=4))) * draw(st.sampled_from((1, 1, 20))),
        quiet_until=draw(st.one_of(st.none(), times)),
        next_window=draw(st.one_of(st.none(), times)),
    )


links = st.one_of(
    st.just(Links()),
    st.just(Links("https://setpoint.example.com/#finding={id}", "https://setpoint.example.com/#group={id}")),
    st.builds(Links, words, words),
)
_counts = st.dictionaries(words, st.integers(0, 10**6), max_size=20)


@st.composite
def groups(draw: st.DrawFn) -> GroupView:
    samples = tuple(draw(st.lists(showns(20), max_size=10)))
    made = cause_of(draw(drifts(50)) if not samples else samples[0].data)
    whichever = st.integers(0, 10**6)
    return GroupView(
        id=draw(words),
        cause=made,
        severity=draw(st.sampled_from(SEVERITIES)),
        opened_at=draw(times),
        changed_at=draw(times),
        total=draw(whichever),
        statuses=draw(
            st.dictionaries(
                st.sampled_from(("open", "resolved", "exempted", "accepted", "awaiting", "remediating")), whichever
            )
        ),
        severities=draw(st.dictionaries(st.sampled_from(SEVERITIES), whichever)),
        projects=draw(_counts),
        project_count=draw(whichever),
        teams=draw(_counts),
        actors=draw(_counts),
        samples=samples,
    )
