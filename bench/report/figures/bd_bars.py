"""BD-rate against the anchor: bars with the 95% interval and the numbers beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.plotting.canvas import PALE, Sheet, note, pale_note, short, title
from bench.plotting.series_style import Look
from bench.report.board import Board
from bench.report.figures.rows import FRAME, PITCH, SIZE, name_rows, ranked, result_of
from bench.report.figures.scales import MetricAxis, headline

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_THICKNESS = 0.62


def bd_bars(board: Board, sheet: Sheet) -> Figure | None:
    """One panel for each headline metric; None without an anchor or anything to compare with it."""
    metrics = [it for it in headline(board) if board.bd.get(it.name) or board.published_bd.get(it.name)]
    labels = ranked(board, metrics, published=True)
    if not labels:
        return None
    figure, panels = sheet.figure(len(metrics), FRAME + PITCH * len(labels), share_y=True)
    look_of = board.looks
    for axes, metric in zip(panels, metrics, strict=True):
        _draw(axes, board, metric, labels, look_of)
        name_rows(axes, {it: look_of[it] for it in labels}, sheet, len(metrics))
        title(axes, f"{metric.short}, {len(board.images[metric.name])} images", sheet.columns(len(metrics)))
        axes.set_xlabel("BD-rate (%)")
    anchor = short(figure, board.anchor or "")
    published = any(board.published_bd.get(it.name) for it in metrics)
    results = [result_of(board, metric.name, it) for metric in metrics for it in labels if it != board.anchor]
    partial = any(it.partial for it in results if it is not None)
    note(
        figure,
        f"{short(figure, board.dataset)}: BD-rate against {anchor}, image by image, negative = fewer bits at"
        " equal quality. Whiskers and brackets: 95% interval over images. Diamonds: of the mean curves."
        + (" Hollow bars: published curves, which have nothing else." if published else "")
        + (pale_note("bars") if partial else ""),
    )
    return figure


def _draw(axes: Axes, board: Board, metric: MetricAxis, labels: list[str], look_of: dict[str, Look]) -> None:
    for row, label in enumerate(labels):
        look = look_of[label]
        result = result_of(board, metric.name, label)
        measured = board.bd[metric.name].get(label)
        interval = measured.per_image.ci95 if measured else None
        averaged = measured.mean_curve.value if measured else None
        words = ""
        if label == board.anchor:
            words = "anchor"
        elif result is not None and result.value is None:
            words = f"n/a ({result.reason})"
        elif result is not None and result.value is not None:
            words = _words(result.value, interval)
            axes.barh(
                row,
                result.value,
                height=_THICKNESS,
                color="white" if look.hollow else look.colour,
                edgecolor=look.colour,
                linewidth=0.7,
                linestyle="dashed" if look.hollow else "solid",
                alpha=PALE if result.partial else 1.0 if look.hollow else 0.85,
            )
            if interval is not None:
                axes.plot(interval, (row, row), color="white", linewidth=1.9, solid_capstyle="butt", zorder=3)
                axes.plot(
                    interval, (row, row), color="#222222", linewidth=0.9, marker="|", markersize=4, zorder=4
                )
        if averaged is not None:
            axes.plot(
                averaged,
                row,
                marker="d",
                markersize=3.6,
                markerfacecolor="white",
                markeredgecolor="#222222",
                markeredgewidth=0.7,
                zorder=5,
            )
        axes.annotate(
            words,
            xy=(1.0, row),
            xycoords=axes.get_yaxis_transform(),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=SIZE - 1,
            color="#333333",
            annotation_clip=False,
        )


def _words(value: float, interval: tuple[float, float] | None) -> str:
    text = f"{value:+.1f}"
    if interval is not None:
        text += f" [{interval[0]:+.1f}, {interval[1]:+.1f}]"
    return text.replace("-", "−")
