"""Resuming a run: it keeps the configuration that it was started with, and refuses to change it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast, get_args

from pydantic import TypeAdapter

from bench.errors import ConfigError
from bench.trainer import TrainRequest
from bench_codecs.vae.training.checkpoint import latest_checkpoint, load_checkpoint, load_meta
from bench_codecs.vae.training.config import Preset, RunConfig
from bench_codecs.vae.training.data import require_images
from bench_codecs.vae.training.log import TRACES, trim
from bench_codecs.vae.training.optim import bfloat16_is_fast

if TYPE_CHECKING:
    from bench_codecs.vae.training.optim import Groups

_FREE = frozenset(
    ("out", "device", "resume", "weights", "steps", "checkpoint_every", "log_every", "validate_every")
)
"""Settings that may change. The weights that a run started from are identified by their hash."""
_DERIVED = frozenset(("entropy_steps", "warm_up", "bfloat16"))
"""Settings that were determined at the start, and are taken from the checkpoint."""

_LIMITS = {"batch": (1, 1024), "crop": (16, 8192), "steps": (1, 10**9), "log_every": (1, 10**9)}
"""Accepted values of settings in a checkpoint, which somebody else may have made."""

C = TypeVar("C", bound=RunConfig)


class Found(NamedTuple):
    """The checkpoint that a run continues from."""

    path: Path
    groups: Groups
    meta: dict[str, Any]


def configured(request: TrainRequest, trainer: str, fresh: Callable[[Preset], C]) -> C:
    """The configuration of the requested run: that of the run in the folder if it is resumed, else a new one.

    Parameters
    ----------
    request : its settings that are not None replace those of the configuration
    trainer : name of the codec
    fresh : makes the configuration of a preset

    Raises
    ------
    bench.errors.ConfigError
        There is no such preset, no such folder, or the folder is of another trainer.
    """
    if request.preset not in (None, *get_args(Preset)):
        raise ConfigError(f"--preset is one of {', '.join(get_args(Preset))}, not {request.preset!r}")
    config = fresh(cast(Preset, request.preset or "base"))
    stored = _stored(request, trainer, type(config))
    begun: C = dataclasses.replace(stored or config, **_given(request))
    return begun


def open_run(config: C, trainer: str, images: Sequence[Path]) -> tuple[C, Found | None]:
    """Open the folder of a run.

    If there is no checkpoint in it, the images are read once, and the log of a run that died early is
    removed.

    Parameters
    ----------
    config : the configuration of the requested run
    trainer : name of the codec
    images : training images

    Returns
    -------
    The configuration with everything that was determined when the run was started, and the checkpoint to
    continue from, if there is one.

    Raises
    ------
    bench.errors.ConfigError
        The folder holds a run and ``config.resume`` is off, or is on and the run is another one.
    bench.errors.BenchError
        An image can't be read.
    """
    found = None
    _require_no_links(config.out)
    path = latest_checkpoint(config.out)
    if path is not None:
        if not config.resume:
            raise ConfigError(
                f"{config.out} already holds a run: pass --resume to continue it, or another folder"
            )
        found = Found(path, *load_checkpoint(path))
        config = _continued(config, path, found.meta, identity(trainer, config, images))
    else:
        require_images(images)
        for name in TRACES:
            trim(config.out / name, 0)
    if config.bfloat16 is None:
        config = dataclasses.replace(config, bfloat16=bfloat16_is_fast(config.device))
    return config, found


def identity(trainer: str, config: Any, images: Sequence[Path]) -> dict[str, Any]:
    """The trainer, configuration and images that identify a run, for the metadata of a checkpoint."""
    listed = "\n".join(f"{path.name} {path.stat().st_size}" for path in images)
    return {
        "trainer": trainer,
        "config": json.loads(json.dumps(dataclasses.asdict(config), default=str)),
        "pictures": {"count": len(images), "sha256": hashlib.sha256(listed.encode()).hexdigest()},
    }


def _stored(request: TrainRequest, trainer: str, kind: type[C]) -> C | None:
    if request.resume and not request.out.is_dir():
        raise ConfigError(f"{request.out}: nothing to resume, no such folder; leave out --resume to start")
    path = latest_checkpoint(request.out) if request.resume else None
    if path is None:
        return None  # the run was killed before its first checkpoint, and starts again
    meta = load_meta(path)
    _require_trainer(path, meta, trainer)
    stored = {name: value for name, value in meta["config"].items() if name not in ("out", "resume")}
    try:
        unknown = stored.keys() - {it.name for it in dataclasses.fields(kind)}
        if unknown:
            raise ValueError(f"unknown settings: {', '.join(sorted(unknown))}")
        config = TypeAdapter(kind).validate_python({**stored, "out": request.out, "resume": True})
        for name, (least, most) in _LIMITS.items():
            if not least <= getattr(config, name) <= most:
                raise ValueError(f"{name} is {getattr(config, name)}, not {least} to {most}")
    except ValueError as error:
        reason = " ".join(str(error).split())[:300]
        raise ConfigError(
            f"{path}: its settings are damaged ({reason}); start another run in another --out"
        ) from error
    return config


def _given(request: TrainRequest) -> dict[str, Any]:
    """The fields of a configuration that ``request`` names."""
    if request.steps is not None and request.minutes is not None:
        raise ConfigError("--steps and --minutes both say how long to train: give one of them")
    names = ("preset", "seed", "steps", "minutes", "validate_every", "weights", "device", "resume")
    fields = {name: getattr(request, name) for name in names}
    if request.steps is not None:
        fields["minutes"] = 0.0
    if request.weights is not None:
        fields["weights"] = request.weights.resolve()  # the run may be resumed from another directory
    return {name: value for name, value in fields.items() if value is not None}


def _continued(config: C, path: Path, meta: dict[str, Any], asked: dict[str, Any]) -> C:
    """The configuration for continuing from a checkpoint; ``asked`` is the :func:`identity` of ``config``.

    Only ``steps`` may have changed; in a run whose length was given by ``minutes``, after these were set to
    0.
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


def _require_no_links(out: Path) -> None:
    """Refuse links in the folder, which may be foreign, so that nothing is written through them."""
    for path in out.rglob("*"):
        if path.is_symlink():
            raise ConfigError(f"{path}: a link in a folder of training; remove it, or use another --out")


def _require_trainer(path: Path, meta: dict[str, Any], trainer: str) -> None:
    found = meta.get("trainer")
    if found != trainer:
        raise ConfigError(
            f"{path} is a checkpoint of {found or 'an older version'}, not of {trainer}: use another --out"
        )
    missing = [it for it in ("config", "pictures", "seconds", "recent") if it not in meta]
    if missing:
        raise ConfigError(
            f"{path}: its meta.json has no {missing[0]}; remove {path} to use the one before it"
        )
