"""Codecs that a session gives as a class or an object: pickled for the workers of one run.

A notebook's classes have no file. They travel in one that lasts as long as the run; no run folder keeps a
pickle, for to load one is to run it.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, SimpleNamespace
from typing import Any

from bench.errors import ConfigError

ENDING = ".pickle"
_PART_OF_DIGEST = 12
_NOT_STATE = frozenset(
    {
        "__dict__",
        "__weakref__",
        "__doc__",
        "__firstlineno__",
        "__slotnames__",
        "__static_attributes__",
        "__abstractmethods__",
        "_abc_impl",
    }
)
"""Attributes of classes that Python itself keeps, some of them only once an object has been copied."""


def is_given(target: str) -> bool:
    """Whether a codec's target, recorded or at hand, is an object of some session."""
    return target.endswith(ENDING)


def target_of(codec: Any, folder: Path) -> str:
    """What a worker loads a class or an object from: its own file where it has one, else a pickle.

    Parameters
    ----------
    folder : where to put the pickle, as long as it is needed

    Raises
    ------
    ConfigError
        It has no ``encode`` and ``decode``, or can't be pickled.
    """
    name = getattr(codec, "__name__", type(codec).__name__)
    if not all(callable(getattr(codec, it, None)) for it in ("encode", "decode")):
        raise ConfigError(f"{name} has no encode and decode: a codec is a class or an object with both")
    if isinstance(codec, type) and (file := _own_file(codec)) and "." not in codec.__qualname__:
        return f"{file}:{codec.__name__}"
    try:
        with _by_value(codec):
            pickled, digest = _pickled(codec), _digest(codec)
    except Exception as error:  # whatever its parts raise
        raise ConfigError(f"{name} can't be sent to workers: {error}") from error
    path = folder / f"{name}-{digest}{ENDING}"
    path.write_bytes(pickled)
    return str(path)


def load_given(path: Path) -> Callable[[], Any]:
    """What makes the codec: the class, or a function that returns the object.

    Raises
    ------
    ConfigError
        The session that gave it is over.
    """
    if not path.is_file():
        raise no_longer_given(path.stem.rpartition("-")[0])
    import cloudpickle

    found: Any = cloudpickle.loads(path.read_bytes())
    return found if isinstance(found, type) else _returning(found, path.stem.rpartition("-")[2])


def _returning(codec: Any, digest: str) -> Callable[[], Any]:
    """A function that returns an object; what tells it from others of its class stands as its options."""

    def given(**options: Any) -> Any:
        return codec

    options = {
        name: value
        for name in inspect.signature(type(codec)).parameters
        if isinstance(value := getattr(codec, name, None), bool | int | float | str)
    }
    options["object"] = digest
    given.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(it, inspect.Parameter.KEYWORD_ONLY, default=options[it]) for it in options]
    )
    return given


def no_longer_given(name: str) -> ConfigError:
    """The error about a codec that a former session gave."""
    return ConfigError(
        f"{name} was a class or an object of a Python session, which no run folder keeps: give it again, as"
        f" in bench.run(codecs=[{name}])"
    )


def given_version(path: Path) -> str:
    """``"+session:…"`` with the digest of everything that a class or an object consists of."""
    return f"+session:{path.stem.rpartition('-')[2]}"


def _pickled(codec: Any) -> bytes:
    import cloudpickle

    data: bytes = cloudpickle.dumps(codec)
    return data


def _digest(codec: Any) -> str:
    """Of code and values, wherever they were defined: the same in a later session that defines the same.

    Pickles hold names of cells, line numbers, random identifiers of classes and addresses of tensors, which
    play no part here.
    """
    import cloudpickle

    torch = sys.modules.get("torch")  # if it is not imported, nothing here is a tensor

    class Fingerprint(cloudpickle.Pickler):  # type: ignore[misc]
        def reducer_override(self, part: Any) -> Any:
            if isinstance(part, CodeType):
                names = (part.co_names, part.co_varnames, part.co_freevars, part.co_cellvars)
                counts = (part.co_argcount, part.co_posonlyargcount, part.co_kwonlyargcount, part.co_flags)
                return tuple, ((part.co_code, part.co_exceptiontable, part.co_consts, *names, *counts),)
            if torch is not None and isinstance(part, torch.Tensor):
                values = part.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()
                return tuple, ((str(part.dtype), tuple(part.shape), values),)
            reduced = super().reducer_override(part)
            if isinstance(part, type) and isinstance(reduced, tuple):
                state = {key: it for key, it in vars(part).items() if key not in _NOT_STATE}
                return object, (), {"name": part.__qualname__, "bases": part.__bases__, **state}
            return reduced

    digest = hashlib.sha256()
    Fingerprint(SimpleNamespace(write=digest.update)).dump(codec)
    return digest.hexdigest()[:_PART_OF_DIGEST]


@contextmanager
def _by_value(codec: Any) -> Iterator[None]:
    """Send the code of the user's own modules along: workers do not find them by name."""
    import cloudpickle

    kind = codec if isinstance(codec, type) else type(codec)
    module = importlib.import_module(kind.__module__) if _own_file(kind) else None
    if module is not None:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        if module is not None:
            cloudpickle.unregister_pickle_by_value(module)


def _own_file(kind: type) -> Path | None:
    """The file of a class of the user's that is in a module and not in a package that is installed."""
    module = sys.modules.get(kind.__module__)
    file = getattr(module, "__file__", None)
    if file is None or kind.__module__ == "__main__" or not file.endswith(".py"):
        return None
    path = Path(file).resolve()
    installed = {"site-packages", "dist-packages"} & {*path.parts} or path.is_relative_to(sys.base_prefix)
    return None if installed or kind.__module__.partition(".")[0] in ("bench", "bench_codecs") else path
