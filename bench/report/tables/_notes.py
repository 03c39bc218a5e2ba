"""Words that several tables share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bench.report.data import ReportData
from bench.report.entries import Entry, machines_of
from bench.report.mean_bd import MeanBd
from bench.report.measures import Measure
from bench.tables.table import Better, Column
from bench.trials.measurement import PeakOf

AVERAGED = {
    "images": "images (every image counts the same)",
    "pixels": "pixels (total bits ÷ total pixels)",
}
"""What a mean is over, by the kind of average."""


PEAK_NOTES: dict[PeakOf, str] = {
    "process": "memory: the most that the process held on any picture, libraries included.",
    "codec": "memory: the most that the codec took on any picture, its libraries and weights included.",
}


def bd_title(data: ReportData) -> str:
    """The title of a table of BD-rates."""
    if data.anchor is None:
        return f"No BD-rates on {data.dataset}: no lossy codec finished enough images"
    return f"BD-rate on {data.dataset} against {data.anchor}, image by image"


def comparison_notes(data: ReportData, metrics: Iterable[str]) -> tuple[str, ...]:
    """What a BD-rate is, and over how many images it was taken in ``metrics``."""
    counts = {len(data.images[it]) for it in metrics}
    images = f"{min(counts)} to {max(counts)}" if len(counts) > 1 else f"{counts.pop() if counts else 0}"
    return (
        "BD-rate: bits at equal quality against the anchor, negative = fewer, image by image (PCHIP, each"
        " over the range of quality that its two curves share) and averaged in log-rate; 95% interval over"
        " images; wins: images with fewer bits, of those with a value.",
        f"mean curve: the BD-rate of curves averaged over {AVERAGED[data.average]}, as most papers"
        " report it. It also depends on how a codec divides its bits among the images.",
        f"Over {images} of {data.n_images} images, those that every compared configuration finished.",
    )


def mean_note(data: ReportData, mean: MeanBd) -> str:
    """What the mean over several metrics is of."""
    names = ", ".join(data.measure(it).title for it in mean.metrics)
    few = mean.n_shared < data.n_images
    over = f"over {mean.n_shared} of {data.n_images} images, compared in all of them"
    return (
        f"{mean.title}: the mean BD-rate over {names}{f', {over}' if few else ''}; averaged in log-rate over"
        " the metrics of each image, then over the images that have a BD-rate in every one; 95% interval over"
        " these images. Its overlap is the smallest of the metrics."
    )


def interpolation_note(data: ReportData) -> str:
    """Where values at matched rate or quality come from."""
    return (
        f"Interpolated on the mean curve over {AVERAGED[data.average]} (PCHIP), never beyond its ends;"
        " MS-SSIM in dB."
    )


def direction_notes(data: ReportData) -> tuple[str, ...]:
    """Which metrics are not better the higher they are."""
    lower = [it.title for it in data.metrics if not it.higher_is_better and it.ideal is None]
    notes = [f"Lower is better: {', '.join(lower)}."] if lower else []
    notes += [f"{it.title}: {it.ideal:g} is ideal." for it in data.metrics if it.ideal is not None]
    return tuple(notes)


def set_notes(measures: Iterable[Measure]) -> tuple[str, ...]:
    """Which of the measures compare sets of images."""
    names = dict.fromkeys(it.title for it in measures if it.of_sets)
    return (f"{', '.join(names)}: between sets of patches, over all images.",) if names else ()


def directed_title(measure: Measure) -> str:
    """A measure's name with its unit and what is better, for the head of a column."""
    unit = f" {measure.unit}" if measure.unit else ""
    if measure.ideal is not None:
        return f"{measure.title}{unit} ({measure.ideal:g} is ideal)"
    return f"{measure.title}{unit} {'↑' if measure.higher_is_better else '↓'}"


def timing_note(entries: Sequence[Entry]) -> str:
    """How the times behind the speeds were taken: what the records say, not what is usual."""
    modes = {it.timing for it in entries}
    said = []
    if "load" in modes:
        said.append("`load`: taken while other trials ran (throughput, no basis for a comparison)")
    if repeats := [count for it in entries if it.timing in ("alone", "disturbed") for count in it.repeats]:
        fewest, most = min(repeats), max(repeats)
        counted = f"{fewest}" if fewest == most else f"{fewest} to {most}"
        how = "one repetition" if most == 1 else f"median of {counted} repetitions"
        said.append(f"`alone`: pinned, warmed up, {how} of each trial")
    if disturbed := [it for it in entries if it.timing == "disturbed"]:
        shares = ", ".join(f"{it.label} {it.cpu_share:.0%}" for it in disturbed)
        said.append(f"`disturbed`: alone, but with only a part of the processor ({shares}), so too slow")
    measure = "MP/s: megapixels of all images ÷ seconds for all of them, one thread"
    if any(it.threads > 1 for it in entries):
        measure += " unless the name says more"
    told = f"{measure}; timed {', '.join(said)}." if said else f"{measure}."
    return f"{told}{_startup_note(entries)}"


def _startup_note(entries: Sequence[Entry]) -> str:
    """What part of the times is the start of programs, or was; nothing where none ran."""
    starts = [
        f"{it.label} {it.encode_startup_ms:.2g} to encode and {it.decode_startup_ms:.2g} to decode"
        for it in entries
        if it.encode_startup_ms is not None and it.decode_startup_ms is not None
    ]
    if not starts:
        return ""
    how = "left out" if any(it.startup_left_out for it in entries) else "included"
    return f" Starting programs, and their files, is {how}, in ms an image: {', '.join(starts)}."


def best_speed(entries: Iterable[Entry]) -> Better | None:
    """Which end of a column of speeds is the best: none where they come from different machines."""
    return "high" if len(machines_of(entries)) < 2 else None


def machine_columns(entries: Iterable[Entry]) -> tuple[Column, ...]:
    """A column for the machine of each row, where there are several."""
    return (Column("machine", "machine"),) if len(machines_of(entries)) > 1 else ()


def machine_cells(entry: Entry, entries: Iterable[Entry]) -> tuple[str, ...]:
    """The values of an entry in :func:`machine_columns`."""
    if len(machines_of(entries)) < 2:
        return ()
    return (entry.machine or (f"{len(entry.machines)} kinds" if entry.machines else ""),)


def machine_notes(entries: Sequence[Entry]) -> Iterator[str]:
    """What times from different machines are worth; nothing where there is one machine."""
    if len(machines_of(entries)) < 2:
        return
    yield "machine: where it was timed. Times of different machines are not compared, and no speed is marked."
    if any(len(it.machines) > 1 for it in entries):
        yield "A codec whose trials were shared out among different machines has no speed."
