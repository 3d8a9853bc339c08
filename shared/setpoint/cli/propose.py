"""``setpoint propose``: the edits of the author's files that would resolve a drift."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from setpoint import bootstrap
from setpoint.alerting import service
from setpoint.alerting.request_sink import NO_REQUEST
from setpoint.bootstrap.settings import from_environment
from setpoint.catalog.schemas import default_catalogue
from setpoint.cli.export import FormatChoice
from setpoint.cli.findings import find_finding
from setpoint.cli.options import DEFAULT_STORE, FindingName, StoreUrl
from setpoint.cli.output import out, print_status, print_warning
from setpoint.cli.unified_diff import unified
from setpoint.comparison.masking import Masking
from setpoint.declarations import export
from setpoint.declarations.accept_drift import accepted
from setpoint.declarations.exported_text import as_text
from setpoint.errors import BadRequest
from setpoint.model import policy as policies
from setpoint.model.alerting_config import Destination
from setpoint.model.declaration import Declaration
from setpoint.model.observation import Observation
from setpoint.ports.stores import Snapshot


def propose(
    finding: FindingName,
    *,
    root: Annotated[
        Path, typer.Option(metavar="DIR", help="Directory of the applied files. Default: the current one.")
    ] = Path(),
    open_pr: Annotated[
        bool, typer.Option("--open-pr", help="Open a pull or merge request instead, or update the open one.")
    ] = False,
    form: Annotated[
        FormatChoice, typer.Option("--format", help="Format of a new declaration: native, krm or terraform.")
    ] = FormatChoice.native,
    repository: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="With --open-pr: the repository in SETPOINT_SINKS. Default: by `acceptances`."
        ),
    ] = "",
    store: StoreUrl = DEFAULT_STORE,
) -> None:
    """Print a patch of the declaring files, a unified diff that declares the observed values; change nothing.

    For a resource without a declaration, print a new declaration.

    Exits with 1 if some fields must be edited manually; they are listed on standard error.
    """
    if open_pr:
        _open_request(finding, repository, store)
        return
    opened = bootstrap.open_store(store, create=False)
    try:
        key = find_finding(opened, finding).key
        observation = opened.last_observation(key)
        snapshot = opened.read(key)
    finally:
        opened.close()
    if snapshot.desired is None:
        _print_new(snapshot, observation, form)
        return
    if observation is None:
        raise BadRequest(f"{key.name}: its last observation was too large to be kept, nothing can be proposed")
    if observation.deleted or observation.data is None:
        where = ", ".join(declaration.source.named for declaration in snapshot.desired.declarations)
        raise BadRequest(f"{key.name}: it was deleted; to accept that, remove its declaration at {where}")
    masking = Masking(bootstrap.secrecy_of(store))
    if not _print_all(snapshot.desired.declarations, observation, root, masking):
        raise typer.Exit(1)


def _print_new(snapshot: Snapshot, observation: Observation | None, form: FormatChoice) -> None:
    """Print a declaration of an undeclared resource."""
    key = snapshot.key
    if observation is None or observation.deleted or observation.data is None:
        raise BadRequest(f"{key.name}: its last observation is not kept; `setpoint export` writes its declaration")
    exported = export.export(
        observation,
        default_catalogue(),
        masking=Masking(show=policies.shown(snapshot.rules.policy, observation.asset_type)),
    )
    if exported.declaration is None:
        raise BadRequest(f"{key.name}: not declared: {exported.refusal}")
    written = as_text(exported.declaration, observation, form.value, default_catalogue(), observation.project_id)
    if written.refusal:
        raise BadRequest(f"{key.name}: not declared: {written.refusal}; choose another --format")
    out.out(written.text, end="", highlight=False)
    for note in exported.left_out:
        if note.reason in export.WITHHELD:
            print_warning(f"{key.name}: {note.path}: left out, {note.reason}", "by hand")


def _open_request(finding: str, repository: str, store: str) -> None:
    """Open the request of a finding, with the tokens of the environment or by ``functions/notify``."""
    settings = from_environment(os.environ)
    detection = bootstrap.open_detection(store, None, create=False)
    try:
        key = find_finding(detection.store, finding).key
        context = bootstrap.open_alerting(settings, detection)
        to = (
            Destination("request", repository)
            if repository
            else service.repository_for(key, context.alerting(), context.store)
        )
        number = service.request_change(key, to, context, is_shown=bool(settings.sinks))
    finally:
        detection.store.close()
    if not settings.sinks:
        print_status(f"{key.name}: functions/notify opens the request in {to.channel} within a minute")
    elif number == NO_REQUEST:
        print_status(f"{key.name}: {to.channel} needs no request: it declares what is there, or another one does")
    elif number:
        print_status(f"{key.name}: request {number} in {to.channel} is up to date")
    else:
        print_status(f"{key.name}: the request in {to.channel} is delayed; functions/notify opens it")


def _print_all(declarations: tuple[Declaration, ...], observation: Observation, root: Path, masking: Masking) -> bool:
    """Print the diffs, and say what is left; whether nothing is."""
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    is_all = True
    for declaration in declarations:
        file = declaration.source.file
        if file not in before:
            before[file] = after[file] = _text(root, file)
        proposed = accepted(after[file], declaration, observation, default_catalogue(), masking)
        after[file] = proposed.text
        is_all = is_all and not proposed.by_hand
        for line in proposed.by_hand:
            print_warning(line, "by hand")
    for file, text in after.items():
        _print_diff(file, before[file], text)
    return is_all


def _text(root: Path, file: str) -> str:
    if not file:
        raise BadRequest("the store has no file for its declaration; apply it again")
    try:
        return (root / file).read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise BadRequest(f"{root / file}: cannot be read ({why}); --root says where the applied files are") from None


def _print_diff(file: str, before: str, after: str) -> None:
    for line in unified(file.lstrip("/"), before, after):
        out.out(line, end="", highlight=False)
