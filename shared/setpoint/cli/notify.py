"""``setpoint notify --preview``: the Slack messages of findings; nothing is sent."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, BinaryIO, cast

import typer
from rich.text import Text

from setpoint import bootstrap
from setpoint.alerting.rendering import phrases, preview
from setpoint.cli.options import DEFAULT_STORE, StoreUrl
from setpoint.cli.output import SEVERITY_STYLES, out, print_status, print_warning
from setpoint.cli.output_lists import NotifyMessage
from setpoint.cli.output_models import print_json
from setpoint.declarations.readers import whole_files
from setpoint.detection import finding_events
from setpoint.errors import BadRequest, MalformedMessage
from setpoint.model import events
from setpoint.model.audit_trail import AuditEntry
from setpoint.model.events import CloudEvent
from setpoint.model.notice_view import FindingView, Links, Message, TimelineEntry
from setpoint.model.resource_state import ResourceState

_MAX_STEPS = 24


class Output(StrEnum):
    """How a preview is written."""

    text = "text"
    json = "json"


def notify(
    store: StoreUrl = DEFAULT_STORE,
    *,
    preview_only: Annotated[
        bool, typer.Option("--preview", help="Show the messages without sending them; required.")
    ] = False,
    events_file: Annotated[
        Path | None,
        typer.Option("--events", metavar="FILE", help="File of CloudEvents, one per line, instead of a store."),
    ] = None,
    output: Annotated[
        Output, typer.Option(help="text for people; json: one message per line, for Slack's Block Kit Builder.")
    ] = Output.text,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write an HTML preview of the channel to this file.")
    ] = None,
    finding_link: Annotated[str, typer.Option(metavar="URL", help="URL of a finding's page, with {id}.")] = "",
    group_link: Annotated[str, typer.Option(metavar="URL", help="URL of a group's page, with {id}.")] = "",
) -> None:
    """Preview the Slack messages for the findings of a store, or for published events."""
    if not preview_only:
        raise BadRequest("use --preview: the command line sends no alerts; functions/notify sends them")
    shown = list(of_events(_read(events_file))) if events_file is not None else of_store(store)
    links = Links(finding_link, group_link)
    conversations = preview.conversations(shown, links)
    if html is not None:
        try:
            html.write_text(preview.page(conversations), encoding="utf-8")
        except OSError as error:
            raise BadRequest(f"{html}: cannot be written ({error.strerror})") from None
        print_status(f"{phrases.plural('message', len(conversations))} in {html}")
        return
    for conversation in conversations:
        if output is Output.json:
            for message in (conversation.message, *conversation.replies):
                print_json(NotifyMessage(message.text, tuple(dict(block) for block in message.blocks)))
        else:
            out.print(_short(conversation.message), soft_wrap=not out.is_terminal)
    if output is Output.text:
        print_status(
            f"{phrases.plural('message', len(conversations))}; --html FILE writes a preview, --output json the blocks"
        )


def _short(message: Message) -> Text:
    """A message in a line, and the buttons below it."""
    plain = message.text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    word, colon, rest = plain.partition(":")
    text = Text.assemble((word, SEVERITY_STYLES.get(word.lower(), "bold")), colon, rest)
    labels = [_label(element) for block in message.blocks if block["type"] == "actions" for element in _elements(block)]
    return text.append(f"\n    [{'] ['.join(labels)}]", "dim") if labels else text


def _elements(block: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    elements: Iterable[Mapping[str, Any]] = block["elements"]
    return elements


def _label(element: Mapping[str, Any]) -> str:
    """What stands on a button or a menu."""
    return str((element.get("text") or element["placeholder"])["text"])


def _read(path: Path) -> Iterator[CloudEvent]:
    """The events of a file, compressed or not; a line that is none is named and left out."""
    try:
        data = whole_files.read(path)
        if data.startswith(b"\x1f\x8b"):
            data = whole_files.content(cast("BinaryIO", gzip.GzipFile(fileobj=io.BytesIO(data))))
        lines = data.splitlines()
    except (OSError, EOFError, zlib.error) as error:
        raise BadRequest(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield events.read(line)
            except MalformedMessage as error:
                print_warning(f"{path}:{number}: {error}")


def of_events(published: Iterable[CloudEvent]) -> Iterator[FindingView]:
    """The findings of events: each as in its latest event, with the steps before it."""
    lives: dict[str, list[CloudEvent]] = {}
    seen: set[str] = set()
    for event in published:
        if event.id not in seen:
            seen.add(event.id)
            lives.setdefault(event.data.finding_id, []).append(event)
    for life in lives.values():
        life.sort(key=lambda event: event.sequence)
        last = life[-1]
        steps = tuple(TimelineEntry(event.time, event.type) for event in life[-_MAX_STEPS:])
        yield FindingView(last.type, last.time, last.data, steps)


def of_store(url: str) -> list[FindingView]:
    """The findings of a store as they are, with their audit trails.

    Args:
        url: the store.

    Raises:
        BadRequest: there is no such store.
    """
    opened = bootstrap.open_store(url, create=False)
    try:
        return [_of_state(state, opened.trail(state.key)) for state in opened.states(drifted=True, problems=[])]
    finally:
        opened.close()


def _of_state(state: ResourceState, trail: Iterable[AuditEntry]) -> FindingView:
    data = finding_events.data_of(state)
    happened = [TimelineEntry(entry.recorded_at, entry.what, entry.by, entry.text) for entry in trail]
    event: events.EventType = "drift.opened"
    if data.status == "resolved":
        event = "drift.resolved"
    elif data.status != "open":
        event = "drift.exempted"
    steps = (TimelineEntry(data.first_seen, "drift.opened"), *happened[-_MAX_STEPS:])
    if event != "drift.opened":
        steps = (*steps, TimelineEntry(data.resolved_at or state.observed_at, event))
    quiet = state.exemption.until if state.exemption is not None and data.status not in ("open", "resolved") else None
    return FindingView(event, state.observed_at, data, steps, quiet)
