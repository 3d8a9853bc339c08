"""The edits of a repository's files that make its declarations say what was observed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import NamedTuple

from setpoint.catalog.schemas import Catalogue
from setpoint.comparison.masking import HIDING, Masking
from setpoint.declarations import proposal_lines
from setpoint.declarations.accept_drift import accepted
from setpoint.declarations.exported_text import ExportFormat
from setpoint.declarations.readers import kustomize
from setpoint.declarations.terraform_edits import edit_code
from setpoint.detection import verdict
from setpoint.errors import SetpointError
from setpoint.model.declaration import Declaration
from setpoint.model.observation import Observation

CUT_OFF = "the repository has too many files to be listed whole"
_NO_ROOTS: Mapping[str, str] = {}
_CODE = (".tf", ".tofu", ".tf.json", ".tofu.json", ".tfvars", ".tfvars.json")


class Checkout:
    """The files of a repository at one commit, with the edits made so far.

    Args:
        paths: the paths of all files; None where they cannot be listed whole: then nothing is edited, since a file that
            is not listed may build or use another one.
        read: the text of a file; None where it is not UTF-8.
        directory: the directory that the paths of declarations are relative to; empty for the top.
        roots: the directory of the Terraform root module of each plan or state, by a glob of its file or URL.
        code: the format of declarations that are added.
    """

    def __init__(
        self,
        paths: Collection[str] | None,
        read: Callable[[str], str | None],
        directory: str = "",
        roots: Mapping[str, str] = _NO_ROOTS,
        code: ExportFormat = "native",
    ) -> None:
        self.code = code
        self.is_whole = paths is not None
        self.paths = paths or ()
        self._roots = roots
        self._read = read
        self._directory = directory.strip("/")
        self._texts: dict[str, str | None] = {}
        self._changed: dict[str, str] = {}

    @property
    def changed(self) -> Mapping[str, str]:
        """The new text of each edited file."""
        return {path: text for path, text in self._changed.items() if text != self._texts.get(path)}

    def path_of(self, file: str) -> str:
        """The path of a declaration's file in the repository; empty where there is no such file."""
        plain = file.replace("\\", "/").removeprefix("./")
        below = f"{self._directory}/{plain}" if self._directory else plain
        return next((path for path in (below, plain) if path in self.paths), "")

    def text(self, path: str) -> str | None:
        """The text of a file, with the edits so far; None where it is not UTF-8."""
        if path in self._changed:
            return self._changed[path]
        if path not in self._texts:
            self._texts[path] = self._read(path)
        return self._texts[path]

    def code_of(self, file: str) -> Mapping[str, str]:
        """The files of the root module that a plan or state was made from, by their paths; empty if it is not known."""
        by_settings = next((folder for glob, folder in self._roots.items() if fnmatchcase(file, glob)), None)
        folder = by_settings if by_settings is not None else str(PurePosixPath(self.path_of(file)).parent)
        if by_settings is None and not self.path_of(file):
            return {}
        inside = (path for path in self.paths if str(PurePosixPath(path).parent) == (folder.strip("/") or "."))
        texts = {path: self.text(path) for path in inside if path.endswith(_CODE)}
        return {path: text for path, text in texts.items() if text is not None}

    def write(self, path: str, text: str) -> None:
        """Replace the text of a file, or add a file."""
        self._changed[path] = text

    def add(self, path: str, text: str) -> bool:
        """Add a file below the directory of the declarations; false, and nothing else, where another file is there."""
        path = f"{self._directory}/{path}" if self._directory else path
        if path in self._changed or path in self.paths:
            return self.text(path) == text
        self._changed[path] = text
        return True

    def is_built(self, path: str) -> bool:
        """Whether Kustomize builds the file, so that another file may change its values."""
        folders = [str(folder) for folder in PurePosixPath(path).parents]
        return any(
            (name if folder == "." else f"{folder}/{name}") in self.paths
            for folder in folders
            for name in kustomize.FILE_NAMES
        )


class _Edit(NamedTuple):
    declaration: Declaration
    observation: Observation
    checkout: Checkout
    schemas: Catalogue
    masking: Masking


def edit(
    declarations: Sequence[Declaration],
    observation: Observation,
    checkout: Checkout,
    schemas: Catalogue,
    masking: Masking = HIDING,
) -> tuple[str, ...]:
    """Edit the files that declare a resource so that they declare what was observed.

    Args:
        declarations: the declarations of the resource, as they were applied.
        observation: its last observation.
        checkout: the files; the edits are kept there.
        schemas: the API's schemas.
        masking: has the key of the declarations' digests.

    Returns:
        The manual steps, one line per field.
    """
    if observation.deleted or observation.data is None:
        return tuple(f"{each.source}: remove the declaration; the resource was deleted" for each in declarations)
    steps: list[str] = []
    for declaration in declarations:
        steps += _steps(_Edit(declaration, observation, checkout, schemas, masking))
    return tuple(steps)


def _steps(edit: _Edit) -> Iterator[str]:
    declaration = edit.declaration
    if not edit.checkout.is_whole:
        yield from _by_hand(edit, CUT_OFF)
        return
    if declaration.source.address:
        yield from _code_steps(edit)
        return
    path = edit.checkout.path_of(declaration.source.file)
    text = edit.checkout.text(path) if path else None
    if text is None:
        yield from _by_hand(edit, "the file is not in the repository, or not UTF-8")
        return
    if edit.checkout.is_built(path):
        yield from _by_hand(edit, "Kustomize builds it from several files")
        return
    bom = "\ufeff" if text.startswith("\ufeff") else ""
    try:
        proposal = accepted(text.removeprefix("\ufeff"), declaration, edit.observation, edit.schemas, edit.masking)
    except (SetpointError, ValueError, RecursionError):
        yield from _by_hand(edit, "the file cannot be read")
        return
    if proposal.text != text.removeprefix("\ufeff"):
        edit.checkout.write(path, bom + proposal.text)
    yield from proposal.by_hand


def _code_steps(edit: _Edit) -> Iterator[str]:
    """Edit Terraform code; the manual steps."""
    files = edit.checkout.code_of(edit.declaration.source.file)
    if not files:
        yield from _by_hand(edit, "its root module is not known; see `roots` in docs/into-code.md")
        return
    try:
        edited = edit_code(files, edit.declaration, edit.observation, edit.schemas, edit.masking)
    except (ValueError, RecursionError):
        yield from _by_hand(edit, "the code cannot be read")
        return
    for path, text in edited.files.items():
        if text != files[path]:
            edit.checkout.write(path, text)
    yield from edited.by_hand


def _by_hand(edit: _Edit, why: str) -> Iterator[str]:
    differences = verdict.differences(edit.declaration, edit.observation, edit.schemas, edit.masking)
    for line in proposal_lines.lines(edit.declaration, differences):
        yield f"{line} ({why})"
