"""Which files below a directory are read: regular ones, and links that stay within the repository.

A checkout may come from anybody, for example in a pull request; a link in it could name any file of the machine that
reads it. What a user names on the command line is read wherever it leads.
"""

from __future__ import annotations

import os

_REPOSITORY = ".git"


def boundary_of(path: str) -> str:
    """The real directory that links have to stay in: the repository around a directory, or the directory itself."""
    real = folder = os.path.realpath(path)
    while not os.path.lexists(os.path.join(folder, _REPOSITORY)):  # noqa: PTH118 - paths stay as they were given
        above = os.path.dirname(folder)  # noqa: PTH120 - as above
        if above == folder:
            return real
        folder = above
    return folder


def is_inside(path: str, folder: str) -> bool:
    """Whether a path, with its links resolved, is a real directory or lies below it."""
    real = os.path.realpath(path)
    return real == folder or real.startswith(folder.rstrip(os.sep) + os.sep)


def is_linked_out(entry: str, folder: str, boundary: str) -> bool:
    """Whether a path in a file goes through a link that leads out; a path that is written out may lead anywhere.

    Args:
        entry: the path, relative to the directory.
        folder: the directory.
        boundary: the directory that links have to stay in.
    """
    plain = os.path.normpath(os.path.join(os.path.realpath(folder), entry))  # noqa: PTH118 - as above
    return os.path.realpath(plain) != plain and not is_inside(plain, boundary)


def refused(path: str, boundary: str) -> str:
    """Why a file is not read; empty if it is, or if there is no such file.

    Args:
        path: a file that was found, not one that a user named.
        boundary: the directory that links have to stay in.
    """
    if os.path.exists(path) and not os.path.isfile(path):  # noqa: PTH110, PTH113 - as above
        return "is a device or a pipe and is not read"
    if not is_inside(path, boundary):
        return f"is a link that leads out of {boundary} and is not read; copy the file"
    return ""
