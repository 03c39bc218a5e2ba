"""A codec's options: what its constructor declares, and what the user said of them."""

from __future__ import annotations

import inspect
import typing
from pathlib import Path
from types import UnionType
from typing import Any, Literal

from bench.errors import ConfigError


def complete_config(constructor: type, options: dict[str, Any]) -> dict[str, Any]:
    """All of a codec's options: those given, as the types the constructor declares, and its defaults.

    Options that were added later, ``added_options``, are left out at their default: results of before count.

    Raises
    ------
    ConfigError
        An option that does not exist, or a value that does not fit; the message lists what does.
    """
    name = getattr(constructor, "name", getattr(constructor, "__name__", ""))
    parameters = {
        key: it
        for key, it in inspect.signature(constructor).parameters.items()
        if it.kind in (it.KEYWORD_ONLY, it.POSITIONAL_OR_KEYWORD)
    }
    for option in options:
        if option not in parameters:
            raise ConfigError(
                f"codec {name!r} has no option {option!r}; it has: {', '.join(parameters) or 'none'}"
            )
    hints = typing.get_type_hints(constructor.__init__)  # type: ignore[misc]  # read, not called
    config: dict[str, Any] = {}
    for key, parameter in parameters.items():
        if key in options:
            hint = hints.get(key, _type_of(parameter.default))
            config[key] = _coerced(f"codec {name!r}: option {key!r}", options[key], hint)
        elif parameter.default is parameter.empty:
            raise ConfigError(f"codec {name!r} needs the option {key!r}")
        else:
            config[key] = parameter.default
    added = added_defaults(constructor)
    return {key: it for key, it in config.items() if key not in added or it != added[key]}


def added_defaults(constructor: type) -> dict[str, Any]:
    """The options of a codec that were added later, at their defaults."""
    parameters = inspect.signature(constructor).parameters
    return {
        key: parameters[key].default for key in getattr(constructor, "added_options", ()) if key in parameters
    }


def _type_of(default: Any) -> type:
    """The type of an option that the constructor gives none: that of its default."""
    return type(default) if isinstance(default, bool | int | float) else str


def _coerced(what: str, value: Any, hint: Any) -> Any:
    origin = typing.get_origin(hint)
    if origin in (typing.Union, UnionType):
        inner = [it for it in typing.get_args(hint) if it is not type(None)]
        return None if value is None or value == "none" else _coerced(what, value, inner[0])
    if origin is Literal:
        choices = typing.get_args(hint)
        for choice in choices:
            if value == choice or str(value).lower() == str(choice).lower():
                return choice
        raise ConfigError(f"{what} is one of {', '.join(map(str, choices))}, not {value!r}")
    if hint is bool:
        truth = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
        if (known := truth.get(str(value).lower())) is not None:
            return known
        raise ConfigError(f"{what} is true or false, not {value!r}")
    if hint in (int, float):
        try:
            return hint(str(value))
        except ValueError:
            raise ConfigError(
                f"{what} is {'a whole number' if hint is int else 'a number'}, not {value!r}"
            ) from None
    return Path(str(value)) if hint is Path else str(value)
