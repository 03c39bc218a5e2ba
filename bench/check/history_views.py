"""A codec's history as a table and a figure, and as the page that a report shows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from bench.check.history import CodecHistory
from bench.files.access import subfolder, write_atomically
from bench.plotting.canvas import Canvas, fit, note, title
from bench.plotting.series_style import Series, SeriesStyle, series_styles
from bench.plotting.style import save, styled
from bench.tables.table import Column, Table, Value, to_markdown, write_tables

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "history"
"""Of the journal, the folder and its page: a report of the folder that holds them shows it."""
_NOTE = (
    "Over the trials that every state finished. BD-rate: against the first state, image by image, negative ="
    " fewer bits at equal quality. step: what differed from the state before where the results did."
    " Speeds are those of each state's own machine."
)


def history_table(history: CodecHistory, name: str = NAME) -> Table:
    """A row for each state, the oldest first."""
    timed = any(it.encode_mps is not None for it in history.points)
    with_bd = [it for it in history.metrics if any(it in point.bd_rate for point in history.points)]
    columns = [
        *(Column("state", "state"), Column("step", "step"), Column("version", "version", in_terminal=False)),
        *(Column("bytes", "bytes"), Column("growth", "change %", 2, signed=True), Column("bpp", "bpp", 4)),
        *(Column(it, it, 3 if history.units[it] == "dB" else 5) for it in history.metrics),
        *(Column(f"bd_rate_{it}", f"BD {it} %", 2, signed=True) for it in with_bd),
    ]
    if timed:
        columns += [Column("encode_mps", "enc MP/s", 2), Column("decode_mps", "dec MP/s", 2)]
    rows = []
    for place, point in enumerate(history.points):
        before = history.points[max(place - 1, 0)].bytes
        growth = 100 * (point.bytes / before - 1) if before and place else None
        row: list[Value] = [point.state, point.step, point.version, point.bytes, growth, point.bpp]
        row += [point.metrics.get(it) for it in history.metrics]
        row += [point.bd_rate.get(it) for it in with_bd]
        row += [point.encode_mps, point.decode_mps] if timed else []
        rows.append(tuple(row))
    return Table(
        name,
        f"History of {history.label}: {len(rows)} states, {history.trials} trials",
        tuple(columns),
        tuple(rows),
        (_NOTE,),
        names=2,
        dispensable=(
            *("bpp", "dec MP/s"),
            *(title for it in history.metrics[1:] for title in (it, f"BD {it} %")),
            "enc MP/s",
        ),
    )


def draw_history(found: Sequence[CodecHistory], canvas: Canvas) -> Figure:
    """Bytes, the first metric, its BD-rate and speed over the states; a step has a line with what made it."""
    panels = list(_panels(found))
    styles = series_styles(Series(it.label, it.codec, False) for it in found)
    states = list(dict.fromkeys(point.state for it in found for point in it.points))
    figure, axes = canvas.figure(len(panels), 2.1)
    for place, (panel, (words, values)) in enumerate(zip(axes, panels, strict=True)):
        title(panel, words, canvas.columns(len(panels)))
        for history, its in zip(found, values, strict=True):
            _line(panel, states, history, its, styles[history.label])
        _mark_steps(panel, states, found, with_names=place == 0)
        panel.set_xticks(
            range(len(states)),
            [fit(figure, it, 60, 6.0) for it in states],
            rotation=30,
            ha="right",
            fontsize=6.0,
        )
        panel.set_xlim(-0.3, len(states) - 0.7)
    if len(found) > 1:
        axes[0].legend(fontsize=6.0, frameon=False)
    else:
        figure.suptitle(fit(figure, found[0].label, 300, 8.0), fontsize=8.0, x=0.01, ha="left")
    note(
        figure,
        "Over the trials that every state finished. Lines: where the results differ from those before.",
    )
    return figure


def write_history(found: Sequence[CodecHistory], folder: Path) -> list[Path]:
    """Write ``history.jsonl`` and, in ``history/``, tables, figures and the page.

    Beside a run's journal these are a section of its report.

    Raises
    ------
    StoreError
        It cannot be written there, or ``history`` or a folder in it is a link.
    """
    home = subfolder(folder, NAME)
    tables = [
        history_table(it, NAME if len(found) == 1 else f"{NAME}_{place}") for place, it in enumerate(found, 1)
    ]
    files = write_tables(tables, subfolder(home, "tables"))
    with styled():
        files += save(draw_history(found, Canvas("double")), subfolder(home, "figures"), NAME)
    page = home / f"{NAME}.md"
    parts = ["# History", f"![{NAME}](figures/{NAME}.png)", *map(to_markdown, tables)]
    write_atomically(page, "\n\n".join(parts).encode())
    journal = folder / f"{NAME}.jsonl"
    lines = [{"label": it.label, **asdict(point)} for it in found for point in it.points]
    write_atomically(journal, "".join(json.dumps(it, ensure_ascii=False) + "\n" for it in lines).encode())
    return [*files, journal, page]


def _panels(found: Sequence[CodecHistory]) -> Iterator[tuple[str, list[list[float | None]]]]:
    """What each panel shows, and the values by codec and point."""
    yield "bytes", [[float(point.bytes) for point in it.points] for it in found]
    metric = next((it for it in found[0].metrics), None)
    if metric is not None:
        unit = f" ({found[0].units[metric]})" if found[0].units[metric] else ""
        yield f"{metric}{unit}", [[point.metrics.get(metric) for point in it.points] for it in found]
        if any(metric in point.bd_rate for it in found for point in it.points):
            yield (
                f"BD-rate, {metric} (%)",
                [[point.bd_rate.get(metric) for point in it.points] for it in found],
            )
    if any(point.encode_mps is not None for it in found for point in it.points):
        yield "encoder, MP/s", [[point.encode_mps for point in it.points] for it in found]


def _line(
    axes: Axes,
    states: Sequence[str],
    history: CodecHistory,
    values: Sequence[float | None],
    style: SeriesStyle,
) -> None:
    x = [states.index(it.state) for it in history.points]
    y = [float("nan") if it is None else it for it in values]
    axes.plot(x, y, color=style.colour, marker="o", markersize=3, linewidth=1.1, label=history.label)
    axes.ticklabel_format(axis="y", useOffset=False)


def _mark_steps(
    axes: Axes, states: Sequence[str], found: Sequence[CodecHistory], *, with_names: bool
) -> None:
    """A thin line at each state that differs from the one before, with what made it in the first panel."""
    marked: dict[str, str] = {}
    for history in found:
        for point in history.points:
            if point.step:
                marked.setdefault(point.state, point.step)
    for state, words in marked.items():
        x = states.index(state)
        axes.axvline(x, color="#888888", linewidth=0.6, linestyle=(0, (3, 2)), zorder=1)
        if with_names:
            axes.annotate(
                fit(axes.figure, words.replace("->", "→"), 90, 5.5),  # type: ignore[arg-type]
                (x, 1.0),
                xycoords=("data", "axes fraction"),
                xytext=(-2, -2),
                textcoords="offset points",
                rotation=90,
                ha="right",
                va="top",
                fontsize=5.5,
                color="#555555",
                bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.6},
            )
