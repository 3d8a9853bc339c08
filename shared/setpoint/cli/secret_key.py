"""``setpoint secret-key``: how the key for masking secrets is stored, and how to change that."""

from __future__ import annotations

import typer

from setpoint import bootstrap
from setpoint.cli.options import DEFAULT_STORE, StoreUrl
from setpoint.cli.output import out, print_error, print_status
from setpoint.detection.installation_key import VARIABLE

app = typer.Typer(
    help="Manage the key that hides secrets. The key is never printed.", no_args_is_help=True, add_completion=False
)


@app.command()
def status(store: StoreUrl = DEFAULT_STORE) -> None:
    """Show how the store keeps the key: not made yet, plain, wrapped, wrapped by an earlier key, or unreadable.

    Exits with 1 if SETPOINT_SECRET_KEY is not the wrapping key.
    """
    key = bootstrap.open_installation_key(store)
    form = key.form()
    out.print(form, markup=False, highlight=False)
    if form == "unreadable":
        print_error(f"{key.unreadable_because()}: {_with_the_key(store)}setpoint secret-key status --store={store}")
        raise typer.Exit(1)


def _with_the_key(store: str) -> str:
    """What sets the key for a command in a shell; of a store in Google Cloud, from the secret that infra/ makes."""
    value = "KEY"
    if store.startswith("firestore://"):
        project = store.removeprefix("firestore://").partition("/")[0]
        value = f"$(gcloud secrets versions access latest --secret=setpoint-secret-key --project={project})"
    return f'{VARIABLE}="{value}" '


@app.command()
def wrap(store: StoreUrl = DEFAULT_STORE) -> None:
    """Wrap the key with the first key in SETPOINT_SECRET_KEY; digests and accepted drift stay as they are.

    Further keys in the variable, separated by spaces, are earlier ones: the key may still be wrapped with one of them.
    """
    is_changed = bootstrap.open_installation_key(store).wrap()
    print_status("the key is wrapped" if is_changed else "the key was wrapped with it already")


@app.command()
def unwrap(store: StoreUrl = DEFAULT_STORE) -> None:
    """Store the key unwrapped again. Readers of the store can then test guessed values against digests."""
    is_changed = bootstrap.open_installation_key(store).unwrap()
    print_status("the key is kept in plain" if is_changed else "the key was kept in plain already")
