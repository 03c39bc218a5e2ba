"""Features of the Inception network by which FID and KID are defined, computed by torch-fidelity."""

from __future__ import annotations

import hashlib
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import numpy as np

from bench.codec import Image
from bench.errors import CodecUnavailable
from bench.host.device import require
from bench.metrics._patches import patches
from bench.metrics._trunk import INSTALL, exact_convolutions, load_torch
from bench.metrics.dataset import Features

DIMENSIONS = 2048
_BATCH = 16


class Inception:
    """The 2048 features of the last pooling layer.

    The weights are TensorFlow's of 2015-12-05, and so is the resizing to 299 pixels, because any other
    weights or resizing would shift the distances.

    Parameters
    ----------
    metric : what needs them; error messages begin with this
    device : ``"cpu"`` or ``"cuda"``

    Raises
    ------
    CodecUnavailable
        torch-fidelity, the weights or the device are missing.
    """

    def __init__(self, metric: str, device: str) -> None:
        torch = load_torch(metric)
        try:
            from torch_fidelity import feature_extractor_inceptionv3 as source
        except ImportError as error:
            raise CodecUnavailable(f"{metric} needs torch-fidelity ({error}): {INSTALL}") from error
        require(metric, device)
        path = Path(torch.hub.get_dir()) / "checkpoints" / source.URL_INCEPTION_V3.rpartition("/")[2]
        if not path.is_file():
            raise CodecUnavailable(
                f"{metric} needs the weights of Inception. Download them with\n"
                '  python -c "import torch;'
                " from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3 as URL;"
                ' torch.hub.load_state_dict_from_url(URL)"\n'
                "or use kid_alexnet, whose values are not comparable with KID"
            )
        net = source.FeatureExtractorInceptionV3(
            "inception-v3-compat", [str(DIMENSIONS)], feature_extractor_weights_path=str(path)
        )
        self._net: Any = net.to(device).eval()
        self._device = device
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        self.version = f"torch-fidelity {installed('torch-fidelity')}+inception {digest[:12]}"

    def features(self, image: Image) -> Features:
        """The features of each patch of an image: float32, shape (patches, 2048)."""
        import torch

        cut = np.ascontiguousarray(patches(image).transpose(0, 3, 1, 2))
        with torch.inference_mode(), exact_convolutions():
            parts = [
                self._net(torch.from_numpy(cut[start : start + _BATCH]).to(self._device))[0].cpu().numpy()
                for start in range(0, len(cut), _BATCH)
            ]
        return np.concatenate(parts) if parts else np.empty((0, DIMENSIONS), np.float32)
