"""Compare an image with the image family that is declared.

A family stands for its newest image, and the names of images may differ from the family's. An image therefore matches a
family unless project, version, architecture or edition contradict it.

Sources: https://cloud.google.com/compute/docs/images/image-families-best-practices,
https://cloud.google.com/compute/docs/images/os-details
"""

from __future__ import annotations

import re
from typing import NamedTuple

from setpoint.model.references import Project, same_project, segments

FIELDS = frozenset(("sourceImage", "sourceImageFamily", "bootDiskImage"))
"""Fields with an image, where a bare name may be that of a family."""
_DATED = re.compile(r"(?:^|-)v?(?:20\d{6})(?:-|\Z)")
_WORD = re.compile(r"[a-z]+\d*[a-z]*|\d+", re.IGNORECASE)
_ARCHITECTURES = frozenset(("arm64", "amd64", "aarch64"))
_EDITIONS = frozenset(
    (
        *("minimal", "pro", "fips", "optimized", "sap", "core", "byos", "byol", "accelerator", "nvidia", "gpu"),
        *("containers", "hpc", "stream", "standard", "enterprise", "express", "web", "devel", "cis", "bms"),
        *("cpu", "tensorflow", "pytorch", "tf", "cu110", "cu113", "cu121", "lvm", "eus", "sp", "uefi"),
    )
)
_CHANNELS = frozenset(("stable", "beta", "dev", "daily", "testing", "next", "rapid"))
_SYNONYMS = {"std": "standard", "ent": "enterprise", "exp": "express", "win": "windows", "aarch64": "arm64"}
_PUBLIC = re.compile(r"(?:[a-z0-9-]+-cloud|[a-z0-9-]+-images?|cos-cloud|deeplearning-platform-release|gke-[a-z-]+)\Z")


class _Family(NamedTuple):
    """A declared family; an empty project is unknown."""

    project: str
    name: str


def is_of_family(name: str, declared: str, observed: str, own: Project) -> bool:
    """Whether an observed image may belong to the declared family.

    Args:
        name: the name of the field.
        declared: `projects/P/global/images/family/F`, `P/F`, `family/F`, or `F` in a field for images.
        observed: the image, as link or path.
        own: the project of the resource.
    """
    family = _family(name, declared, own)
    parts = segments(observed)
    if family is None or "images" not in parts[:-1]:
        return False
    image, project = parts[-1], parts[1] if parts[0] == "projects" else own.id
    if parts[-2] == "family":
        return image == family.name and (not family.project or same_project(family.project, project, own))
    if family.project and project and not same_project(family.project, project, own):
        return False
    if project == _LEARNING:
        return family.name == image or _agree_for_learning(_words(family.name), _words(image))
    return _agree(family.name, image, is_public=_PUBLIC.match(project) is not None)


def _family(name: str, declared: str, own: Project) -> _Family | None:
    parts = segments(declared)
    if "family" in parts[:-1] and parts[-2] == "family":
        return _Family(parts[1] if parts[0] == "projects" else own.id if len(parts) > 2 else "", parts[-1])  # noqa: PLR2004
    if name not in FIELDS or _DATED.search(parts[-1]) or "images" in parts:
        return None
    if len(parts) == 1:
        return _Family("", parts[0])
    return _Family(parts[0], parts[1]) if len(parts) == len(("project", "family")) else None


def _agree(family: str, image: str, *, is_public: bool) -> bool:
    """Whether no part of an image's name contradicts the family's."""
    if image == family or (not is_public and image.startswith(f"{family}-")):
        return True
    wanted, got = _words(family), _words(image)
    for kind in (_ARCHITECTURES, _EDITIONS) if is_public else (_ARCHITECTURES,):
        if kind & set(wanted) != kind & set(got):
            return False
    if (channels := _CHANNELS & set(got)) and (chosen := _CHANNELS & set(wanted)) and channels != chosen:
        return False
    if not is_public and wanted[:1] != got[:1]:
        return True  # a private family: its images may have any name
    numbers = [word for word in wanted if word.isdigit()]
    return wanted[:1] == got[:1] and [word for word in got if word.isdigit()][: len(numbers)] == numbers


_LEARNING = "deeplearning-platform-release"
_CUDA = re.compile(r"cu\d+\Z")
_FRAMEWORKS = {"tf2": "tf", "tensorflow": "tf"}
_SYSTEMS = frozenset(("debian", "ubuntu", "rocky"))


def _agree_for_learning(wanted: list[str], got: list[str]) -> bool:
    """Whether a Deep Learning VM image belongs to a family: by framework, processor, CUDA, system, and version.

    A `latest` or `gpu` family contains images with framework and CUDA versions in their names.
    Source: https://cloud.google.com/deep-learning-vm/docs/images
    """
    frameworks = {_FRAMEWORKS.get(words[0], words[0]) if words else "" for words in (wanted, got)}
    if len(frameworks) > 1:
        return False
    if len(_processor(wanted) | _processor(got)) > 1:
        return False
    cuda = {word for word in wanted if _CUDA.match(word)}
    systems = _SYSTEMS & set(wanted)
    if not cuda <= set(got) or (systems and not systems <= set(got)):
        return False
    numbers = [word for word in wanted if word.isdigit()]
    return "latest" in wanted or [word for word in got if word.isdigit()][: len(numbers)] == numbers


def _processor(words: list[str]) -> set[str]:
    """The processors in a name: GPU or CPU."""
    kinds = {"gpu" if _CUDA.match(word) else word for word in words}
    return kinds & {"gpu", "cpu"}


def _words(name: str) -> list[str]:
    undated = name.replace("x86-64", "").replace("x86_64", "")
    words = [word.lower() for word in _WORD.findall(_DATED.sub("-", undated))]
    return [_SYNONYMS.get(word, word) for word in words]
