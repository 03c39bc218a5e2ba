"""A network as papers have them, in the place of your own.

Attention in windows beside convolutions, a hyperprior, and slices of channels that are coded one after the
other, as in TCM and MLIC. It has their interface (``forward``, ``compress``, ``decompress``, ``update``) and
their entropy coder, which is CompressAI's.
"""

import torch
from compressai.ans import BufferedRansEncoder, RansDecoder
from compressai.entropy_models import EntropyBottleneck, GaussianConditional
from compressai.models import CompressionModel
from compressai.ops import quantize_ste
from torch import nn
from torch.nn import functional as F

WINDOW = 8


class Mixed(nn.Module):
    """Half of the channels go through attention in windows, the other half through a convolution."""

    def __init__(self, channels):
        super().__init__()
        half = channels // 2
        self.qkv, self.local = nn.Conv2d(half, 3 * half, 1), nn.Conv2d(half, half, 3, padding=1)
        self.merge = nn.Conv2d(channels, channels, 1)

    def forward(self, x):
        attended, convolved = x.chunk(2, 1)
        rows, columns = x.shape[2] // WINDOW, x.shape[3] // WINDOW
        windows = self.qkv(attended).unflatten(2, (rows, WINDOW)).unflatten(4, (columns, WINDOW))
        q, k, v = windows.permute(0, 2, 4, 3, 5, 1).flatten(3, 4).chunk(3, -1)
        mixed = F.scaled_dot_product_attention(q, k, v).unflatten(3, (WINDOW, WINDOW))
        attended = mixed.permute(0, 5, 1, 3, 2, 4).flatten(4, 5).flatten(2, 3)
        return x + self.merge(torch.cat((attended, F.gelu(self.local(convolved))), 1))


class MyNetwork(CompressionModel):
    def __init__(self, channels=64, latents=48, slices=3):
        super().__init__()
        self.g_a = nn.Sequential(
            nn.Conv2d(3, channels, 8, 8), Mixed(channels), nn.Conv2d(channels, latents, 1)
        )
        self.g_s = nn.Sequential(
            nn.Conv2d(latents, channels, 1), Mixed(channels), nn.ConvTranspose2d(channels, 3, 8, 8)
        )
        self.h_a = nn.Sequential(nn.Conv2d(latents, 32, 5, 2, 2), nn.GELU(), nn.Conv2d(32, 16, 5, 2, 2))
        self.h_s = nn.Sequential(
            nn.ConvTranspose2d(16, 32, 4, 2, 1), nn.GELU(), nn.ConvTranspose2d(32, 32, 4, 2, 1)
        )
        self.size = latents // slices
        self.parameters_of = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(32 + it * self.size, 32, 3, padding=1), nn.GELU(), nn.Conv2d(32, 2 * self.size, 1)
            )
            for it in range(slices)
        )
        self.entropy_bottleneck = EntropyBottleneck(16)
        self.gaussian_conditional = GaussianConditional(None)

    def walk(self, hyper, code):
        """The latents, slice by slice: ``code`` gives what is known of one, from its means and scales."""
        known = []
        for predict in self.parameters_of:
            means, scales = predict(torch.cat((hyper, *known), 1)).chunk(2, 1)
            known.append(code(len(known), means, F.softplus(scales)))
        return torch.cat(known, 1)

    def forward(self, x):
        y, likelihoods = self.g_a(x), []
        slices = y.split(self.size, 1)
        z_hat, of_z = self.entropy_bottleneck(self.h_a(y))

        def estimate(index, means, scales):
            likelihoods.append(self.gaussian_conditional(slices[index], scales, means)[1])
            return quantize_ste(slices[index] - means) + means

        y_hat = self.walk(self.h_s(z_hat), estimate)
        return {"x_hat": self.g_s(y_hat), "likelihoods": {"y": torch.cat(likelihoods, 1), "z": of_z}}

    def compress(self, x):
        y, symbols, indexes = self.g_a(x), [], []
        slices, z = y.split(self.size, 1), self.h_a(y)
        z_strings = self.entropy_bottleneck.compress(z)
        z_hat = self.entropy_bottleneck.decompress(z_strings, z.shape[2:])

        def encode(index, means, scales):
            symbols.append(self.gaussian_conditional.quantize(slices[index], "symbols", means))
            indexes.append(self.gaussian_conditional.build_indexes(scales))
            return symbols[-1] + means

        self.walk(self.h_s(z_hat), encode)
        encoder = BufferedRansEncoder()
        coded = (torch.cat(it, 1).flatten().tolist() for it in (symbols, indexes))
        encoder.encode_with_indexes(*coded, *self.tables())
        return {"strings": [[encoder.flush()], z_strings], "shape": z.shape[2:]}

    def decompress(self, strings, shape):
        (y_string,), z_strings = strings
        decoder = RansDecoder()
        decoder.set_stream(y_string)

        def decode(index, means, scales):
            indexes = self.gaussian_conditional.build_indexes(scales)
            values = decoder.decode_stream(indexes.flatten().tolist(), *self.tables())
            return torch.tensor(values, device=means.device).reshape(means.shape) + means

        z_hat = self.entropy_bottleneck.decompress(z_strings, shape)
        return {"x_hat": self.g_s(self.walk(self.h_s(z_hat), decode)).clamp(0, 1)}

    def tables(self):
        coder = self.gaussian_conditional
        return [it.tolist() for it in (coder.quantized_cdf, coder.cdf_length, coder.offset)]
