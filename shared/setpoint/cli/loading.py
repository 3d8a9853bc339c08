"""Load declarations for a command, and say what to do where there are none."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import typer

from setpoint.cli.exit_codes import ERROR
from setpoint.cli.output import print_load_result, print_status
from setpoint.cli.progress import progress
from setpoint.declarations.readers import load, skipped
from setpoint.declarations.readers.documents import STANDARD_INPUT
from setpoint.declarations.readers.load import LoadResult
from setpoint.errors import BadRequest
from setpoint.model.secrecy import THIS_PROCESS, Secrecy
from setpoint.model.state_urls import is_state_url
from setpoint.util.counts import counted
from setpoint.util.progress import Advance, no_progress

NO_PLAN = "is it a plan of Terraform? Write it with `terraform show -json PLAN > plan.json`"
_PLANS = (".json", ".out", ".tfplan", ".plan", "")
"""How the names of files end that people write plans to."""


class LoadOptions(NamedTuple):
    """What is read, and the default place of objects.

    Args:
        exclude: Globs of files that are not read.
        project: The project of Config Connector objects without one of their own.
        namespace: Their namespace.
        config: The directory of the Terraform root module of a state or plan.
        secrecy: Makes the digests that stand for secrets.
    """

    exclude: tuple[str, ...] = ()
    project: str = ""
    namespace: str = ""
    config: str = ""
    secrecy: Secrecy = THIS_PROCESS


NO_OPTIONS = LoadOptions()


def read(paths: Iterable[str], options: LoadOptions, *, root: str = "", advance: Advance = no_progress) -> LoadResult:
    """Load, and report nothing.

    Args:
        paths: files, directories, or ``-``.
        options: what is read and how.
        root: a directory that reported file names are relative to; empty to report them as given.
        advance: called with the number of documents that were read, for a progress bar.

    Raises:
        BadRequest: the Terraform configuration of the options cannot be read.
    """
    return load.load(
        paths,
        root=root,
        exclude=options.exclude,
        project=options.project,
        namespace=options.namespace,
        config=options.config,
        secrecy=options.secrecy,
        advance=advance,
    )


def load_some(paths: list[str], options: LoadOptions, *, quietly: bool) -> LoadResult:
    """Load and report, and end where nothing can be read at all.

    Args:
        paths: files, directories, or ``-``.
        options: what is read and how.
        quietly: go on with nothing, for machines that wait for an empty answer.

    Raises:
        BadRequest: as ``load_all`` does.
        Exit: nothing was read.
    """
    loaded = load_all(paths, options)
    if not quietly and loaded.is_empty and loaded.prune_protection.everything:
        print_status("nothing was read; nothing was changed")
        raise typer.Exit(ERROR)
    return loaded


def load_all(
    paths: list[str], options: LoadOptions = NO_OPTIONS, *, quietly: bool = False, grouped: bool = False
) -> LoadResult:
    """Load and report.

    Args:
        paths: Files, directories, or ``-``.
        options: What is read and how.
        quietly: Report nothing, since the caller writes it.
        grouped: Report by the kind of problem and not in the order of files.

    Raises:
        BadRequest: nothing at all was found, which is more likely a wrong path than an empty fleet; or a path is a URL
            of states.
    """
    if urls := list(filter(is_state_url, paths)):
        raise BadRequest(f"{urls[0]}: for a URL of states use `setpoint apply`, or `setpoint apply --dry-run`")
    with progress("documents") as advance:
        loaded = read(paths, options, advance=advance)
    if not quietly:
        print_load_result(loaded, grouped=grouped)
    is_explained = loaded.problems or any(warning.file for warning in loaded.warnings)
    if loaded.is_empty and not (is_explained or loaded.skipped[skipped.EMPTY_STATES]):
        if paths == [STANDARD_INPUT]:
            raise BadRequest(
                "standard input was empty, or held no declarations; does the command before the pipe print them?"
            )
        if beside := only_beside_others(loaded):
            raise BadRequest(
                f"{', '.join(paths)}: holds {beside} and nothing else; give them with the documents that they are for"
            )
        raise BadRequest(f"no declarations in {', '.join(paths)}; {next_step(paths, loaded)}")
    return loaded


def next_step(paths: list[str], loaded: LoadResult) -> str:
    """What to do where nothing is declared, for the end of an error.

    Args:
        paths: the files and directories that were given.
        loaded: what they hold.
    """
    if loaded.skipped[skipped.ASSETS]:
        return "these are assets of the inventory; pass the file to `setpoint sweep --from`"
    if any(next(Path(path).rglob("*.tf"), None) is not None for path in paths if Path(path).is_dir()):
        return "code of Terraform is not read: give a state, `terraform state pull > terraform.tfstate`"
    if loaded.states:
        return "the state has no resources of Google Cloud"
    if all(Path(path).is_file() and not Path(path).stat().st_size for path in paths):
        return "the file is empty"
    return "check the path"


def only_beside_others(loaded: LoadResult) -> str:
    """The documents that only say how others are read or tested; empty where there are none."""
    parts = []
    if loaded.defaults:
        parts.append(counted(loaded.defaults, "Defaults document"))
    if loaded.policy_tests:
        parts.append(counted(len(loaded.policy_tests), "test of a policy", "tests of a policy"))
    return " and ".join(parts)


def may_be_plan(paths: list[str]) -> bool:
    """Whether the paths are a single file that a person may take for a plan of Terraform."""
    return len(paths) == 1 and Path(paths[0]).is_file() and Path(paths[0]).suffix in _PLANS
