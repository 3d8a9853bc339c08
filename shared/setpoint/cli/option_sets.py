"""Sets of options that commands share: declared once, and passed on as one value."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

Command = Callable[..., None]


def option_set(
    name: str, options: Mapping[str, Any], defaults: Mapping[str, Any], value: Callable[..., Any]
) -> Callable[[Command], Command]:
    """A decorator that gives a command a set of options.

    Args:
        name: the parameter of the command that takes the value of the options.
        options: their annotations, by parameter.
        defaults: their defaults.
        value: makes the value of what was given.
    """

    def decorated(command: Command) -> Command:
        own = [
            parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for parameter in inspect.signature(command, eval_str=True).parameters.values()
            if parameter.name != name
        ]
        shared = [
            inspect.Parameter(option, inspect.Parameter.KEYWORD_ONLY, default=defaults[option], annotation=annotation)
            for option, annotation in options.items()
        ]

        @functools.wraps(command)
        def with_value(**given: Any) -> None:
            chosen = {option: given.pop(option) for option in options}
            command(**given, **{name: value(**chosen)})

        parameters = [*own, *shared]
        with_value.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        with_value.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return with_value

    return decorated
