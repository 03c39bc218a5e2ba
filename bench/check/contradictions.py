"""Results that cannot both be true: an equal hash means equal bytes, and for one image equal metrics."""

from __future__ import annotations

from collections.abc import Iterator

from bench.check.baseline import Snapshot
from bench.errors import ConfigError
from bench.metrics.agreement import agree

_MOST_NAMED = 3


def require_consistent(baseline: Snapshot, run: Snapshot) -> None:
    """Refuse snapshots of which one must have been edited or damaged, since no verdict could be based on it.

    Equal hashes of two bitstreams mean equal numbers of bytes. Metrics depend on the original and the decoded
    pixels alone: if both are the same, metrics differ at most by the rounding of another environment.

    Raises
    ------
    ConfigError
        Two rows contradict each other; the message names the first of them and how many there are.
    """
    found = list(_contradictions(baseline, run))
    if found:
        more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
        raise ConfigError(
            f"equal hashes stand beside different results: {'; '.join(found[:_MOST_NAMED])}{more}. The"
            " baseline or the run was edited or is damaged; measure again what is not to be trusted"
        )


def _contradictions(baseline: Snapshot, run: Snapshot) -> Iterator[str]:
    earlier = {(codec.label, *it.key): it for codec in baseline.codecs for it in codec.trials}
    shared = [
        name for name, it in baseline.metrics.items() if name in run.metrics and it.is_same(run.metrics[name])
    ]
    for codec in run.codecs:
        for after in codec.trials:
            before = earlier.get((codec.label, *after.key))
            if before is None or not before.status == after.status == "ok":
                continue
            point = "" if after.quality is None else f" at {after.quality:g}"
            where = f"{codec.label}{point} on {after.image}"
            if before.bitstream_sha256 == after.bitstream_sha256 and before.bytes != after.bytes:
                yield f"{where} has {after.bytes} bytes, in the baseline {before.bytes}"
            same_image = baseline.images[after.image].sha256 == run.images[after.image].sha256
            if same_image and before.pixels_sha256 == after.pixels_sha256:
                for name in shared:
                    # Either may be absent because a library was not installed.
                    old, new = before.metrics.get(name), after.metrics.get(name)
                    if old is not None and new is not None and not agree(old, new, run.metrics[name].unit):
                        yield f"{where} has {name} {new:.6g}, in the baseline {old:.6g}"
