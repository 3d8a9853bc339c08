"""The locations of Google Cloud, with suggestions for misspelt ones.

Sources: https://cloud.google.com/about/locations, https://cloud.google.com/compute/docs/regions-zones,
https://cloud.google.com/storage/docs/locations. New ones appear each year: a location that is like none may be one.
"""

from __future__ import annotations

import difflib
import re
from functools import cache

REGIONS = frozenset(
    f"{area}-{name}"
    for area, names in {
        "africa": "south1",
        "asia": "east1 east2 northeast1 northeast2 northeast3 south1 south2 southeast1 southeast2 southeast3",
        "australia": "southeast1 southeast2",
        "europe": "central2 north1 north2 southwest1 west1 west2 west3 west4 west6 west8 west9 west10 west12 west15",
        "me": "central1 central2 west1",
        "northamerica": "northeast1 northeast2 south1",
        "southamerica": "east1 west1",
        "us": "central1 central2 east1 east4 east5 east7 south1 west1 west2 west3 west4 west8",
    }.items()
    for name in names.split()
)
MULTI_REGIONS = frozenset(("global", "us", "eu", "asia", "europe", "us-central", "europe-west"))
"""Places of several regions; App Engine calls two of its regions without a number."""

_OTHER = re.compile(r"(?:[a-z]{2}|(?:asia|eur|nam)\d{1,2}|(?:aws|azure|u|us-gov|cn)-.*|-|unspecified)\Z")
"""Other forms: countries, places of two regions, other clouds, sovereign clouds, all of them."""
_ZONE = re.compile(r"(?P<region>.+)-(?:[a-z]|ai\d[a-z]|[a-z]+\d?-[a-z]\d?)\Z")
_ZONE_NAME = re.compile(r"[a-z]+-[a-z]+\d+-(?:[a-z]|ai\d[a-z])\Z")
_ZONE_LETTERS = "abcdf"
_CLOSE = 0.8
_ZONE_WITHOUT_DASH = re.compile(r"(?P<region>.+\d)(?P<letter>[a-f])\Z")
_NUMBER = re.compile(r"\d+\Z")


def is_known(location: str) -> bool:
    """Whether a text is a location, or has a form of which there are more than are listed.

    Args:
        location: a region, a zone, or a place of several regions, in any case.
    """
    name = location.lower()
    if name in REGIONS or name in MULTI_REGIONS or _OTHER.match(name):
        return True
    zone = _ZONE.match(name)
    return zone is not None and zone["region"] in REGIONS and name[-1] <= _ZONE_LETTERS[-1]


def is_region(name: str) -> bool:
    """Whether a text is a region, or is formed as one of a known direction: ``europe-west20`` may be new."""
    return name in REGIONS or _NUMBER.sub("", name) in _directions()


@cache
def _directions() -> frozenset[str]:
    return frozenset(_NUMBER.sub("", region) for region in REGIONS)


@cache
def closest(location: str) -> str:
    """The location that a misspelt one means, in lower case; empty where it is known, or like none."""
    name = location.lower()
    if is_known(name):
        return ""
    if (glued := _ZONE_WITHOUT_DASH.match(name)) and glued["region"] in REGIONS:
        return f"{glued['region']}-{glued['letter']}"
    zone = _ZONE.match(name)
    if zone is not None and (region := zone["region"] if zone["region"] in REGIONS else closest(zone["region"])):
        letter = name[-1] if name[-1] in _ZONE_LETTERS else "b"
        return f"{region}-{letter}"
    same_direction = sorted(region for region in REGIONS if _NUMBER.sub("", region) == _NUMBER.sub("", name))
    known = same_direction or sorted(REGIONS | MULTI_REGIONS)
    return next(iter(difflib.get_close_matches(name, known, n=1, cutoff=_CLOSE)), "")


def is_zone(name: str) -> bool:
    """Whether a name has the form of a zone of a region, whether it is known or not."""
    return _ZONE_NAME.match(name) is not None
