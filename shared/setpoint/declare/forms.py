"""What the documents of the native format are made of."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from setpoint.core import values
from setpoint.core.declarations import MAX_SETTLE

NonEmpty = Annotated[str, StringConstraints(min_length=1)]


class Form(BaseModel):
    """A part of a document: camelCase, frozen, and no field that nobody knows."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=False,
        coerce_numbers_to_str=True,
    )


def _seconds(value: Any) -> Any:
    found = values.seconds(value) if isinstance(value, str) else value
    if found is None:
        raise ValueError("not a duration; it looks like 30s, 5m or 1h")
    return found


AsSeconds = BeforeValidator(_seconds, json_schema_input_type=str | float)
"""Takes a number of seconds, or a duration as people write it."""

Settle = Annotated[
    float | None,
    AsSeconds,
    Field(ge=0, le=MAX_SETTLE, description="how long a difference has to last before it is a finding: 30s, 5m, 1h"),
]
