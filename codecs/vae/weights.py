"""The weights file: weights in half precision and integer coding tables, as safetensors."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from bench.errors import CodecUnavailable
from bench_codecs.vae.rans import FrequencyTables
from bench_codecs.vae.tables import CodingTables, check_tables
from bench_codecs.vae.tensor_file import read_tensor_file, write_tensor_file

if TYPE_CHECKING:
    from bench_codecs.vae.integer import IntegerNetworks
    from bench_codecs.vae.model import VaeModel

FILE_FORMAT = 1
_TABLES = "tables."
_FULL_PRECISION = ("fine_transform.", "coarse_transform.", ".norm", ".mean_gain", ".log_energy", ".std")
_TABLE_NAMES = ("cumulative", "start", "size", "low", "slice_rows", "hyper_rows")


@dataclass(frozen=True)
class Package:
    """A model that is ready to code images."""

    model: VaeModel
    tables: CodingTables
    sha256: str
    bytes: int
    """Size of the file."""
    meta: dict[str, Any]


def shipped_weights() -> Path:
    """The weights that come with the package."""
    return Path(__file__).with_name("weights") / "base.safetensors"


def save_weights(path: Path, model: VaeModel, tables: CodingTables, training: dict[str, Any]) -> str:
    """Write the weights file and return its SHA-256; ``training`` records how the model was made."""
    import torch

    tensors = {}
    for name, value in model.state_dict().items():
        full = any(part in name for part in _FULL_PRECISION) or not value.is_floating_point()
        tensors[name] = value if full else value.half()
    arrays = (*tables.frequencies, tables.slice_rows, tables.hyper_rows)
    for name, array in zip(_TABLE_NAMES, arrays, strict=True):
        tensors[_TABLES + name] = torch.from_numpy(np.ascontiguousarray(array))
    meta = {"format": FILE_FORMAT, "spec": asdict(model.spec), "training": training}
    return write_tensor_file(path, tensors, meta)


def load_weights(path: Path, device: str = "cpu", *, exact: bool = True) -> Package:
    """Load a weights file.

    Parameters
    ----------
    path : the file
    device : where the networks are put
    exact : convert the entropy model to fixed point, which coding requires; else it is float32, for training

    Raises
    ------
    bench.errors.CodecUnavailable
        The file is absent or is not a weights file of this codec.
    """
    import torch

    from bench_codecs.vae.model import ModelSpec, VaeModel

    try:
        file = read_tensor_file(path, FILE_FORMAT)
        tensors, training = dict(file.tensors), msgspec.convert(file.meta["training"], dict[str, Any])
        arrays = [tensors.pop(_TABLES + name).numpy() for name in _TABLE_NAMES]
        model = VaeModel(msgspec.convert(file.meta["spec"], ModelSpec))
        model.load_state_dict({name: value.float() for name, value in tensors.items()})
        tables = CodingTables(FrequencyTables(*arrays[:4]), *arrays[4:])
        contexts = (model.coarse.context, model.fine.context)
        slices = sum(len(it.parts()) for it in contexts)
        hyper_channels = sum(it.spec.hyper_channels for it in contexts)
        check_tables(tables, slices, (model.spec.levels, hyper_channels))
        model.requires_grad_(False).eval()
        if exact:
            model.make_exact()
    except FileNotFoundError as error:
        raise CodecUnavailable(
            f"vae: no weights at {path}: reinstall rdbench, or train with `rdbench train vae`"
        ) from error
    except (KeyError, ValueError, RuntimeError, TypeError, msgspec.ValidationError) as error:
        raise CodecUnavailable(f"vae: {path} is not a weights file of this codec ({error})") from error
    model.use_branches = bool(training.get("branches", True))
    model.to(torch.device(device))
    if device == "cpu":
        if exact:
            model.integer = _integer(model)
        for branch in (model.analysis_branch, model.synthesis_branch):
            branch.to(memory_format=torch.channels_last)
    return Package(model, tables, file.sha256, file.bytes, training)


def _integer(model: VaeModel) -> IntegerNetworks | None:
    from bench_codecs.vae.int16 import OutOfRange
    from bench_codecs.vae.integer import IntegerNetworks

    branch = model.analysis_branch if model.use_branches else None
    grids = [(it.analysis, it.context) for it in (model.coarse, model.fine)]
    try:
        return IntegerNetworks(model.fine_transform, branch, grids)
    except OutOfRange:
        return None
