"""``setpoint dev``: the whole system on one machine, with commands to change it."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from setpoint.cli.output import difference_line, errors, out, print_status, print_warning
from setpoint.errors import BadRequest
from setpoint.model.display_names import short_name
from setpoint.model.events import CloudEvent
from setpoint.util.counts import counted
from setpoint_tools.dev.fleet import CHANGES

if TYPE_CHECKING:
    from setpoint_tools.dev.system import System

app = typer.Typer(
    help="Run the whole system on this machine, without an account.", no_args_is_help=True, add_completion=False
)

Folder = Annotated[Path, typer.Option(metavar="FOLDER", help="Directory for files and logs.")]
HERE = Path(".setpoint-dev")
_SCENARIO = ("drift.opened", "remediation.started", "drift.resolved", "remediation.succeeded")
_UNORDERED = "drift.attributed"
"""The event that comes outside of the scenario, if the audit log entry is handled after the change."""
_WAIT_SECONDS = 90.0
_PAGES = ("slack", "console")
_BUTTONS = ("fix", "approve", "accept", "why")
_CLICK_SECONDS, _CLICK_PAUSE = 60.0, 0.5
"""A message comes some seconds after its change."""


@app.command()
def up(
    folder: Folder = HERE,
    root: Annotated[Path, typer.Option(metavar="FOLDER", help="The checkout.")] = Path(),
    *,
    play: Annotated[bool, typer.Option("--play", help="Open the firewall, wait for its remediation, and end.")] = False,
    emulators: Annotated[bool, typer.Option(help="Use Google's emulators where they are installed.")] = True,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before servers start and files are deleted.")] = False,
) -> None:
    """Start everything; Ctrl-C, or `setpoint dev down` elsewhere, stops it.

    Asks first: it starts servers on this machine, and empties the store and the logs of the last run in its folder. A
    folder holds one running system. With --play, exits with 1 if the scenario does not end as expected.
    """
    from setpoint_tools.dev import control_server, preparation  # noqa: PLC0415 - loads servers, which only `dev` needs

    folder = folder.resolve()
    event_types: list[str] = []

    def receive(event: CloudEvent) -> None:
        out.print(_line(event), soft_wrap=True)
        if event.type != _UNORDERED:
            event_types.append(event.type)

    with control_server.claimed(folder):
        names = preparation.check(root.resolve())
        _ask(folder, names, yes=yes)
        preparation.empty(folder)
        _run(root.resolve(), folder, event_types, receive, play=play, emulators=emulators)
    if play and tuple(event_types[: len(_SCENARIO)]) != _SCENARIO:
        raise BadRequest(
            f"the scenario did not end as expected: {', '.join(event_types) or 'no event'}; see {folder}/*.log"
        )


def _ask(folder: Path, names: list[str], *, yes: bool) -> None:
    """Ask before anything is started or emptied.

    Raises:
        BadRequest: there is no terminal to ask for confirmation.
    """
    what = f"This starts {counted(len(names), 'function')}, emulators and fakes on this machine"
    what += f", and empties the store and the logs of the last run in {folder}"
    if yes:
        return
    if not sys.stdin.isatty():
        raise BadRequest(f"{what}; say --yes")
    if not typer.confirm(f"{what}. Go on?", err=True, default=True):
        raise typer.Exit(1)


def _run(
    root: Path,
    folder: Path,
    event_types: list[str],
    receive: Callable[[CloudEvent], None],
    *,
    play: bool,
    emulators: bool,
) -> None:
    """Start the system, and keep it up until it is stopped."""
    from setpoint_tools.dev import control_server, system  # noqa: PLC0415 - loads servers and clients

    print_status("starting: emulators, fakes, functions …")
    with system.up(root, folder, receive, emulators=emulators) as running:
        for stand_in in running.places.stand_ins:
            print_warning(stand_in, "STAND-IN")
        _print_addresses(running.addresses)
        print_status(f"  logs          {folder}/*.log\n  store         {running.places.store}")
        commands = {
            "change": running.change,
            "click": running.click_latest,
            "merge": lambda _: running.merge(),
            "sweep": lambda _: running.sweep(),
            "status": lambda _: "up",
            "down": lambda _: running.end(),
        }
        description = {"store": running.places.store, **running.addresses, **running.places.variables}
        with control_server.reachable(folder, description, commands):
            if play:
                threading.Thread(target=_play, args=[running, event_types], daemon=True).start()
            else:
                print_status("up. In another terminal: `setpoint dev change NAME`")
                print_status("\n".join(f"  {name:18} {change.what}" for name, change in CHANGES.items()))
            try:
                running.run()
            except KeyboardInterrupt:
                print_status("going down")


def _print_addresses(addresses: Mapping[str, str]) -> None:
    """Print the addresses, the ones with a page for people first."""
    pages = {name: addresses[name] for name in _PAGES if addresses.get(name)}
    others = {name: address for name, address in addresses.items() if address and name not in pages}
    for title, group in (("open these:", pages), ("the others, for programs:", others)):
        print_status(title)
        for name, address in group.items():
            errors.print(Text.assemble((f"  {name:14}", "dim"), address), soft_wrap=True)


def _play(running: System, event_types: list[str]) -> None:
    """Open the firewall, wait for all resulting events, and end."""
    print_status(running.change("open-firewall"))
    until = time.monotonic() + _WAIT_SECONDS
    while len(event_types) < len(_SCENARIO) and time.monotonic() < until:
        time.sleep(0.1)
    running.end()


@app.command()
def down(folder: Folder = HERE) -> None:
    """Stop the installation."""
    _send(folder, "down")


@app.command()
def change(
    name: Annotated[str, typer.Argument(metavar="CHANGE", help=f"The change: {', '.join(CHANGES)}.")],
    folder: Folder = HERE,
) -> None:
    """Change a resource outside of Setpoint."""
    _send(folder, "change", name)


@app.command()
def click(
    button: Annotated[str, typer.Argument(metavar="BUTTON", help="fix, approve, accept or why.")], folder: Folder = HERE
) -> None:
    """Click a button of the latest message in the fake Slack; wait up to a minute for the button."""
    from setpoint_tools.dev import control_server  # noqa: PLC0415 - loads a client

    if button not in _BUTTONS:
        raise BadRequest(f"there is no button `{button}`; use one of {', '.join(_BUTTONS)}")
    control_server.send_command(folder.resolve(), "status")
    _send_until_done(folder, "click", button)


@app.command()
def merge(folder: Folder = HERE) -> None:
    """Merge the latest pull request in the fake GitHub, and apply it; wait up to a minute for an open one."""
    from setpoint_tools.dev import control_server  # noqa: PLC0415 - loads a client

    control_server.send_command(folder.resolve(), "status")
    _send_until_done(folder, "merge")


def _send_until_done(folder: Path, command: str, argument: str = "") -> None:
    """Have the system do something that is possible some seconds later."""
    until = time.monotonic() + _CLICK_SECONDS
    while True:
        try:
            _send(folder, command, argument)
        except BadRequest:
            if time.monotonic() > until:
                raise
            time.sleep(_CLICK_PAUSE)
        else:
            return


@app.command()
def sweep(folder: Folder = HERE) -> None:
    """Start a sweep of the fake inventory."""
    _send(folder, "sweep")


def _send(folder: Path, command: str, argument: str = "") -> None:
    from setpoint_tools.dev import control_server  # noqa: PLC0415 - loads a client

    print_status(control_server.send_command(folder.resolve(), command, argument))


def _line(event: CloudEvent) -> Text:
    """An event in a line."""
    line = Text.assemble((f"{event.type:23} ", "bold"), short_name(event.subject))
    for difference in event.data.differences[:3] if event.type.startswith("drift.") else ():
        line.append("\n    ").append(difference_line(difference))
    if event.data.remediation is not None and event.data.remediation.reason:
        line.append(f"\n    {event.data.remediation.reason}", "dim")
    return line
