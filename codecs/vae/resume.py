"""Going on with a run: it stays what it was started as, and says so where more is asked for."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from bench.errors import ConfigError
from bench.trainer import TrainRequest

from .checkpoint import latest_checkpoint, load_meta

_FREE = frozenset(
    ("out", "device", "resume", "weights", "steps", "checkpoint_every", "log_every", "validate_every")
)
"""What may change; the weights that a run starts from are known by their hash."""
_DERIVED = frozenset(("entropy_steps", "warm_up", "bfloat16"))
"""What was settled at the start, and is taken from there."""

C = TypeVar("C", bound=Any)


def identity(trainer: str, config: Any, images: Sequence[Path]) -> dict[str, Any]:
    """What makes a run the one it is, for a checkpoint's metadata."""
    listed = "\n".join(f"{path.name} {path.stat().st_size}" for path in images)
    return {
        "trainer": trainer,
        "config": json.loads(json.dumps(dataclasses.asdict(config), default=str)),
        "pictures": {"count": len(images), "sha256": hashlib.sha256(listed.encode()).hexdigest()},
    }


def stored_config(request: TrainRequest, trainer: str, kind: Callable[..., C]) -> C | None:
    """The configuration in the newest checkpoint that ``request`` wants to go on from, if there is one.

    Raises
    ------
    bench.errors.ConfigError
        There is no such folder; one without a checkpoint is of a run that was killed early, and starts anew.
    """
    if request.resume and not request.out.is_dir():
        raise ConfigError(f"{request.out}: nothing to resume, no such folder; leave out --resume to start")
    path = latest_checkpoint(request.out) if request.resume else None
    if path is None:
        return None
    meta = load_meta(path)
    _require_trainer(path, meta, trainer)
    stored = {name: value for name, value in meta["config"].items() if name not in ("out", "resume")}
    if stored.get("weights"):
        stored["weights"] = Path(stored["weights"])
    return kind(out=request.out, resume=True, **stored)


def given(request: TrainRequest) -> dict[str, Any]:
    """The fields of a configuration that ``request`` names.

    Raises
    ------
    bench.errors.ConfigError
        Both ways to say how long to train are given.
    """
    if request.steps is not None and request.minutes is not None:
        raise ConfigError("--steps and --minutes both say how long to train: give one of them")
    names = ("preset", "seed", "steps", "minutes", "validate_every", "weights", "device", "resume")
    fields = {name: getattr(request, name) for name in names}
    if request.steps is not None:
        fields["minutes"] = 0.0
    return {name: value for name, value in fields.items() if value is not None}


def continued(config: C, path: Path, meta: dict[str, Any], asked: dict[str, Any]) -> C:
    """``config`` for going on from the checkpoint at ``path``; ``asked`` is its :func:`identity`.

    ``steps`` may have changed, in a run by ``minutes`` after these were set to 0.

    Raises
    ------
    bench.errors.ConfigError
        The checkpoint belongs to another run than ``config`` describes.
    """
    _require_trainer(path, meta, asked["trainer"])
    old, new = meta["config"], dict(asked["config"])
    if not config.minutes:
        new["minutes"] = old["minutes"]
    for name in old:
        if name not in _FREE | _DERIVED and old[name] != new.get(name):
            raise ConfigError(
                f"{path} is of a run with {name} {old[name]}, not {new.get(name)}: leave the option out to "
                "go on with it (--steps trains longer), or start another run in another --out"
            )
    if meta["pictures"] != asked["pictures"]:
        counts = [it["pictures"]["count"] for it in (meta, asked)]
        raise ConfigError(
            f"{path} was trained on {counts[0]} pictures, and not on these {counts[1]} (names and sizes "
            "of the files differ): give the same --data and --limit, or start another run in another --out"
        )
    taken = {name: value for name, value in old.items() if name in _DERIVED}
    if config.minutes:
        taken["steps"] = old["steps"]
    elif config.steps != old["steps"]:
        least = max(meta["step"], old["entropy_steps"] if old.get("use_branches") else 0)
        if config.steps < least:
            raise ConfigError(
                f"--steps {config.steps}: {path} or its first stage goes beyond; give at least {least}"
            )
    going_on: C = dataclasses.replace(config, **taken)
    return going_on


def _require_trainer(path: Path, meta: dict[str, Any], trainer: str) -> None:
    found = meta.get("trainer")
    if found != trainer:
        raise ConfigError(
            f"{path} is a checkpoint of {found or 'an older version'}, not of {trainer}: use another --out"
        )
