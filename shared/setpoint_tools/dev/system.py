"""The running system: start its parts in order, and keep them running."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import requests
import werkzeug
import yaml

from setpoint import bootstrap
from setpoint.declarations import apply
from setpoint.declarations.apply import ApplyRequest
from setpoint.declarations.readers import load
from setpoint.errors import BadRequest
from setpoint.model import events
from setpoint.model.display_names import short_name
from setpoint.model.events import CloudEvent
from setpoint.model.sweep_records import PendingWork, SweepStart, encode_message
from setpoint.remediation.engine import TICK
from setpoint.reporting.console import Console
from setpoint_tools.dev import endpoints, fleet, preparation
from setpoint_tools.dev.endpoints import Endpoints
from setpoint_tools.dev.fleet import CHANGES, RESOURCES, Resource
from setpoint_tools.testing import inventory
from setpoint_tools.testing.asset_service import AssetService, asset_service
from setpoint_tools.testing.code_hosts import StoredRepository
from setpoint_tools.testing.emulators import free_port
from setpoint_tools.testing.fork_server import ForkServer
from setpoint_tools.testing.github import github
from setpoint_tools.testing.http_server import serving
from setpoint_tools.testing.pubsub import PubSubProject
from setpoint_tools.testing.serving import Served, is_http, start_anew
from setpoint_tools.testing.slack import Slack, signed, slack

_CONSOLE = "console"
_EVERY = 0.3
_PAUSE = 0.05
_TICKS = 3.0
_SECONDS = 10
_APPROVER = "U1"
_BY_SLACK = "slack:"


class System:
    """All that is up.

    Args:
        places: where messages and state are.
        pubsub: the project with topics and subscriptions.
        assets: the fake Cloud Asset Inventory.
        google: the fake of Google's REST APIs.
        slack: the fake of Slack.
        repository: the repository in the fake of GitHub.
        heard: is called with every event that was published.
    """

    def __init__(
        self,
        *,
        places: Endpoints,
        pubsub: PubSubProject,
        assets: AssetService,
        google: Any,
        slack: Slack,
        repository: StoredRepository,
        heard: Callable[[CloudEvent], None],
    ) -> None:
        self.places = places
        self.addresses: dict[str, str] = {}
        self._pubsub = pubsub
        self._assets = assets
        self._google = google
        self.slack = slack
        self.repository = repository
        self._declared = Path()
        self._changes = 0
        self._heard = heard
        self._announced: dict[str, Any] = {}
        self._seen: set[str] = set()
        self._ended = threading.Event()

    def change(self, name: str) -> str:
        """Do something behind Setpoint's back; what is done, in words.

        Raises:
            BadRequest: there is no such change.
        """
        change = CHANGES.get(name)
        if change is None:
            raise BadRequest(f"there is no change `{name}`; there are {', '.join(CHANGES)}")
        resource = fleet.resource(change.of)
        self._google.put(resource.url, change.done(self._google.get(resource.url) or resource.body))
        self._changes += 1
        self._publish("audit-log", json.dumps(fleet.logged(resource, _now(), self._changes)).encode())
        return f"{change.what}; then {change.then}"

    def sweep(self) -> str:
        """Begin a sweep."""
        self._publish("sweeps", encode_message(SweepStart((fleet.ORGANIZATION,), ("resource",))))
        return "sweep started"

    def click_latest(self, button: str) -> str:
        """Click a button of the latest message in Slack that has it, as an approver; say what Slack shows of it then.

        Raises:
            BadRequest: no message has that button.
        """
        for message in reversed(self.slack.shown(fleet.CHANNEL)):
            elements = [element for block in message.blocks for element in block.get("elements", ())]
            action = next((element for element in elements if element.get("action_id") == f"setpoint:{button}"), None)
            if action is not None:
                whispers = len(self.slack.channel(fleet.CHANNEL).whispers)
                decided = len(self._decisions())
                self.click(fleet.CHANNEL, message.ts, action)
                return f"olga clicks {button}{self._effect(whispers, decided)}"
        raise BadRequest(f"no message in #{fleet.CHANNEL} has a button `{button}`")

    def _effect(self, whispers: int, decided: int) -> str:
        """What a click has done; waits for it.

        Args:
            whispers: number of earlier answers that Slack showed to single people.
            decided: number of earlier decisions.
        """
        answers = self.slack.channel(fleet.CHANNEL).whispers
        until = time.monotonic() + _SECONDS
        while time.monotonic() < until:
            if len(answers) > whispers:
                return f", and only she sees:\n{answers[-1][1]}"
            if decisions := self._decisions()[decided:]:
                return "".join(f"; {decision}" for decision in decisions)
            time.sleep(_PAUSE)
        return ", and gets no answer"

    def _decisions(self) -> list[str]:
        """The decisions that were taken in Slack, the oldest first."""
        store = bootstrap.open_store_to_read(self.places.store)
        try:
            entries = [
                (entry, short_name(state.key.name))
                for state in store.states(drifted=True, problems=[])
                for entry in store.trail(state.key)
                if entry.by.startswith(_BY_SLACK)
            ]
        finally:
            store.close()
        entries.sort(key=lambda item: item[0].recorded_at)
        return [f"{entry.what}: {name}, recorded as decided by {entry.by}" for entry, name in entries]

    def click(self, channel: str, ts: str, action: Mapping[str, Any]) -> None:
        """Click a button of a message, as somebody who may.

        Args:
            channel: the channel's name.
            ts: the message.
            action: the button; of a menu, with its ``selected_option``.
        """
        body, headers = signed(self.slack.clicked(channel, ts, action, _APPROVER), time.time())
        requests.post(self.addresses["slack_actions"], body, headers=headers, timeout=_SECONDS)

    def populate(self) -> None:
        """Put the fleet where the fakes have it; no feed tells of that."""
        for url, body in fleet.places().items():
            self._google.put(url, body)
        for resource in RESOURCES:
            self._google.put(resource.url, resource.body)
            self._note(resource)

    def declare(self, folder: Path, console: str) -> None:
        """Put in force what is declared; messages link to the console."""
        files = folder / "fleet"
        files.mkdir(exist_ok=True)
        self._declared = files / fleet.FILE
        text = yaml.safe_dump_all(fleet.documents(console), sort_keys=False)
        self.repository.push(self.repository.base, {fleet.FILE: text})
        self._apply(text)

    def merge(self) -> str:
        """Merge the latest open request in the fake of GitHub, and apply what is declared then.

        Raises:
            BadRequest: no request is open.
        """
        number = max((each.number for each in self.repository.requests.values() if each.state == "open"), default=0)
        if not number:
            raise BadRequest("no request is open; `setpoint dev click accept` opens one within seconds")
        self.repository.merge(number)
        self._apply(self.repository.files(self.repository.base)[fleet.FILE])
        return f"olga merges request {number}: {self.repository.requests[number].title}"

    def _apply(self, text: str) -> None:
        """Apply a file of declarations."""
        self._declared.write_text(text)
        files = self._declared.parent
        deps = bootstrap.open_detection(self.places.store, None)
        loaded = load.load([str(files)], root=str(files), secrecy=deps.secrecy)
        if loaded.problems:
            raise BadRequest(str(loaded.problems[0]))
        apply.sync(loaded, ApplyRequest("dev", prune=True, max_removals=1.0), deps, datetime.now(UTC))
        deps.store.close()

    def run(self) -> None:
        """What goes on by itself: feeds, Scheduler, and whoever listens to the events; until ``end``."""
        last = 0.0
        while not self._ended.wait(_EVERY):
            for resource in RESOURCES:
                self._feed(resource)
            if time.monotonic() - last > _TICKS:
                last = time.monotonic()
                self._publish("sweeps", encode_message(PendingWork()))
                self._publish("remediate-ticks", TICK.encode(), type=TICK)
                self._publish("notify-ticks", TICK.encode(), type=TICK)
            self._listen()

    @contextmanager
    def going(self) -> Iterator[None]:
        """Have it go on by itself beside whatever is done in the meantime."""
        thread = threading.Thread(target=self.run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.end()
            thread.join()

    def end(self) -> str:
        """Have ``run`` return."""
        self._ended.set()
        return "going down"

    def _feed(self, resource: Resource) -> None:
        """Tell of a resource that has changed, as a feed does."""
        if self._google.get(resource.url) != self._announced.get(resource.name):
            asset = self._note(resource)
            message = {"asset": asset, "priorAssetState": "PRESENT", "window": {"startTime": asset["updateTime"]}}
            self._publish("asset-changes", json.dumps(message).encode())

    def _note(self, resource: Resource) -> dict[str, Any]:
        live = self._announced[resource.name] = self._google.get(resource.url)
        asset = fleet.as_asset(resource, live or {}, _now())
        self._assets.put(asset)
        return asset

    def _listen(self) -> None:
        for message in self._pubsub.received(f"projects/{endpoints.HOME}/subscriptions/drift-events"):
            event = events.read(message.data)
            if event.id not in self._seen:
                self._seen.add(event.id)
                self._heard(event)

    def _publish(self, name: str, data: bytes, **attributes: str) -> None:
        self._pubsub.publish(endpoints.topic(name), [(data, attributes)])


@contextmanager
def up(
    root: Path,
    folder: Path,
    heard: Callable[[CloudEvent], None],
    *,
    emulators: bool = True,
    forked: bool = sys.platform == "linux",
) -> Iterator[System]:
    """Start everything, and stop it at the end.

    Args:
        root: the checkout.
        folder: for files and logs.
        heard: is called with every event that was published.
        emulators: whether Google's are used where they are installed.
        forked: whether functions are forked from a process that has loaded what they need, as on Linux alone it may be
            done, or each starts an interpreter.

    Raises:
        BadRequest: see ``preparation.check``.
    """
    names = preparation.check(root)
    from setpoint_tools.testing.google_apis import google_apis  # noqa: PLC0415 - needs what was just looked for

    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        places = endpoints.find(stack, folder, emulators=emulators)
        stack.enter_context(_environment(places.variables))
        pubsub = PubSubProject(endpoints.HOME)
        stack.callback(pubsub.close)
        google, google_address = stack.enter_context(google_apis())
        google.polls = 0  # what takes a while is looked at again after a minute, which is too long to watch
        assets = stack.enter_context(asset_service())
        slack_fake, slack_address = stack.enter_context(slack())
        github_fake, github_address = stack.enter_context(github({}, fleet.REPOSITORY))
        slack_fake.channel(fleet.CHANNEL)
        slack_fake.user(_APPROVER, fleet.APPROVER)
        for name in endpoints.topics():
            pubsub.topic(name)
        pubsub.subscription(endpoints.topic("drift-events"))
        system = System(
            places=places,
            pubsub=pubsub,
            assets=assets,
            google=google,
            slack=slack_fake,
            repository=github_fake.repository,
            heard=heard,
        )
        slack_fake.on_click = system.click
        console = stack.enter_context(serving(_Console(places.store)))
        system.populate()
        system.declare(folder, console)
        variables = endpoints.environment(places, google_address, slack_address, github_address)
        # The console of an installation stands behind Identity-Aware Proxy, which is not on this machine.
        start = stack.enter_context(ForkServer()).start if forked else start_anew
        serve = partial(Served, environment=variables, root=root, start=start)
        served = _serve(stack, serve, folder, [name for name in names if name != _CONSOLE], assets.address)
        for name, process in served.items():
            system.addresses[name] = f"http://127.0.0.1:{process.port}"
            if is_http(root, name):
                continue
            for pushed in endpoints.PUSHED.get(name, ()):
                address = f"{system.addresses[name]}/{endpoints.topic(pushed)}"
                pubsub.subscription(endpoints.topic(pushed), name=f"{name}-{pushed}", push_to=address)
                stack.callback(pubsub.unsubscribe, f"projects/{endpoints.HOME}/subscriptions/{name}-{pushed}")
        system.addresses |= {
            "google": google_address,
            "inventory": assets.address,
            "slack": slack_address.removesuffix("/api/"),
            "github": github_address,
        }
        system.addresses[_CONSOLE] = console
        yield system


def _serve(
    stack: ExitStack, serve: Callable[..., Served], folder: Path, names: list[str], assets: str
) -> dict[str, Served]:
    """All functions at once, each with a log of its own."""
    under = [sys.executable, str(Path(inventory.__file__)), assets]
    served = {}
    for name in names:
        log = stack.enter_context((folder / f"{name}.log").open("wb"))
        served[name] = serve(name, free_port(), log=log, under=under if name == "sweep" else ())
        stack.push(served[name].__exit__)
        served[name].launch()
    for process in served.values():
        process.wait()
    return served


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Have this process's own clients talk to what is on this machine."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


class _AnyIdentity:
    """Lets in whoever is on this machine."""

    def identity(self, assertion: str) -> str:
        """See ``IdentityVerifier.identity``."""
        return assertion or "you"


class _Console:
    """The console as a WSGI application, for whoever is on this machine; it opens the store with the first request."""

    def __init__(self, store: str) -> None:
        self._store = store
        self._opened: Console | None = None

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        if self._opened is None:
            self._opened = Console(
                bootstrap.open_for_reading(self._store), self._store, _AnyIdentity(), kept=timedelta(0)
            )
        request = werkzeug.Request(environ)
        answer = self._opened.answer(request.method, request.path, request.headers.get)
        return werkzeug.Response(answer.body, answer.status, answer.headers)(environ, start_response)


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")
