"""Distortion against perception in tables: codecs at a matched rate, and two decoders of one bitstream."""

from __future__ import annotations

from bench.report.board import Board
from bench.report.decoder_pairs import Twins, find_twins
from bench.report.perception import PLANE_RATES, Measure, at_rate, measures, planes
from bench.report.tables import metric_title
from bench.studies.set_metrics.table import set_metric_table
from bench.tables.table import Column, Table, Value


def perception_tables(board: Board) -> tuple[Table, ...]:
    """The tables that a board has rows for."""
    made = [plane_table(board), equal_bytes_table(board, find_twins(board))]
    made += [set_metric_table(board.distances)] if board.distances else []
    return tuple(it for it in made if it is not None)


def plane_table(board: Board) -> Table | None:
    """Every metric of every codec at the rates of the plane; None where there is no plane."""
    if not planes(board):
        return None
    known = measures(board)
    rows: list[tuple[Value, ...]] = []
    for rate in PLANE_RATES:
        values = {it.name: at_rate(board, it, rate) for it in known}
        labels = [it.label for it in board.lossy if any(it.label in its for its in values.values())]
        rows += [(rate, label, *(values[it.name].get(label) for it in known)) for label in labels]
    columns = (
        Column("bpp", "bpp", 2),
        Column("label", "codec"),
        *(Column(it.name, _title(it), 2 if _unit(it) == "dB" else 4) for it in known),
    )
    notes = (
        "Interpolated on the mean curve (PCHIP) inside the measured range; a dash: outside of it.",
        *_set_notes(known),
    )
    return Table(
        "distortion_perception",
        f"Distortion and perception at matched rate on {board.dataset}",
        columns,
        rows=tuple(rows),
        notes=notes,
    )


def equal_bytes_table(board: Board, pairs: tuple[Twins, ...]) -> Table | None:
    """What two decoders of the same bytes differ in; None where there are no such pairs."""
    if not pairs:
        return None
    rows: list[tuple[Value, ...]] = []
    for pair in pairs:
        for it in pair.differences:
            low, high = it.ci95 or (None, None)
            better = {True: pair.second, False: pair.first, None: "–"}[it.second_is_better]
            rows.append(
                (
                    *(pair.first, pair.second, it.quality, it.bpp, _title(it.measure)),
                    *(it.first, it.second, it.difference, low, high, better, it.images),
                )
            )
    columns = (
        *(Column("first", "first"), Column("second", "second")),
        *(Column("quality", "quality"), Column("bpp", "bpp", 3), Column("metric", "metric")),
        *(Column("first_value", "of first", 3), Column("second_value", "of second", 3)),
        Column("difference", "second − first", 3, signed=True),
        *(Column("ci95_low", "95% from", 3, signed=True), Column("ci95_high", "to", 3, signed=True)),
        *(Column("better", "better"), Column("images", "images")),
    )
    shared = dict.fromkeys(f"{it.first} and {it.second}: identical bitstreams." for it in pairs)
    notes = (
        *shared,
        "Values are means over the images at one operating point, nothing is interpolated; 95% interval of"
        " the difference: paired, over images, for distances between sets the delete-half jackknife;"
        " nothing is called better where it holds 0.",
        *_set_notes([it.measure for pair in pairs for it in pair.differences]),
    )
    return Table("equal_bytes", f"Decoders of the same bytes on {board.dataset}", columns, tuple(rows), notes)


def _unit(measure: Measure) -> str:
    return "dB" if measure.decibel else measure.unit


def _title(measure: Measure) -> str:
    """The name with unit and what is better."""
    unit = f" {_unit(measure)}" if _unit(measure) else ""
    if measure.ideal is not None:
        return f"{metric_title(measure.name)}{unit} ({measure.ideal:g} is ideal)"
    return f"{metric_title(measure.name)}{unit} {'↑' if measure.higher_is_better else '↓'}"


def _set_notes(known: list[Measure] | tuple[Measure, ...]) -> tuple[str, ...]:
    names = dict.fromkeys(metric_title(it.name) for it in known if it.of_sets)
    return (f"{', '.join(names)}: between sets of patches, over all images.",) if names else ()
