"""Results that cannot both be true: an equal hash means equal bytes, and equal metrics of equal images."""

from __future__ import annotations

from collections.abc import Iterator

from bench.check.attribution import tolerance_of
from bench.check.baseline import State
from bench.errors import ConfigError

_NAMED = 3


def require_consistent(baseline: State, run: State) -> None:
    """Refuse states of which one was edited or damaged: no verdict can rest on it.

    Bytes are the bitstream's, so that its hash settles their number. Metrics are of the original and the
    decoded pixels; where both are the same they may differ by what another environment makes of sums of
    floating-point numbers.

    Raises
    ------
    ConfigError
        Names the first rows that contradict each other, and how many there are.
    """
    found = list(_contradictions(baseline, run))
    if found:
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        raise ConfigError(
            f"equal hashes stand beside different results: {'; '.join(found[:_NAMED])}{more}. The baseline or"
            " the run was edited or is damaged; measure again what is not to be trusted"
        )


def _contradictions(baseline: State, run: State) -> Iterator[str]:
    known = {(codec.label, *it.key): it for codec in baseline.codecs for it in codec.trials}
    shared = [
        name for name, it in baseline.metrics.items() if name in run.metrics and it.is_same(run.metrics[name])
    ]
    for codec in run.codecs:
        for it in codec.trials:
            before = known.get((codec.label, *it.key))
            if before is None or not before.status == it.status == "ok":
                continue
            point = "" if it.quality is None else f" at {it.quality:g}"
            where = f"{codec.label}{point} on {it.image}"
            if before.bitstream_sha256 == it.bitstream_sha256 and before.bytes != it.bytes:
                yield f"{where} has {it.bytes} bytes, in the baseline {before.bytes}"
            same_picture = baseline.images[it.image].sha256 == run.images[it.image].sha256
            if same_picture and before.pixels_sha256 == it.pixels_sha256:
                for name in shared:
                    # one may be absent for want of a library
                    old, new = before.metrics.get(name), it.metrics.get(name)
                    if old is not None and new is not None and not _agree(old, new, run.metrics[name].unit):
                        yield f"{where} has {name} {new:.6g}, in the baseline {old:.6g}"


def _agree(old: float, new: float, unit: str) -> bool:
    """Whether both may be of the same pixels; some metrics are on a scale to 100."""
    scale = 1.0 if unit == "dB" else max(1.0, abs(old))
    return abs(old - new) <= tolerance_of(unit) * scale
