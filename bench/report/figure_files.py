"""Figures from files: what they are drawn from, and a commented file to start from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from bench.errors import ConfigError
from bench.exchange.references import open_reference, open_references
from bench.files.typed_yaml import located
from bench.plotting.canvas import settle
from bench.plotting.style import Format, rendered, styled
from bench.rd import Average
from bench.report.build import build_report_data
from bench.report.data import ReportData
from bench.report.figure_description import KINDS, FieldProblem, load_figure_file
from bench.report.figures import described_figure
from bench.report.options import ReportOptions
from bench.tables.terminal import wrapped

_WIDTH = 100
_TEMPLATE = """\
# A figure of {run}. Draw it:  rdbench figure FIG.yaml -o FIG.pdf   (or .png, .svg)
# Everything but the runs may be left out. Paths are relative to this file.
runs: [{run}]
# references: [FILE.csv]       # published curves: a file, or a name of `rdbench list references`

kind: rd                       # {kinds}
{metrics}
metric: [{metric}]
# decibels: off                # MS-SSIM as it is, rather than in dB
{datasets}# anchor: {anchor}
# average: pixels              # what counts the same in mean curves; default: images

# What is drawn, in this order, and how; a label alone will do. A name may hold mathematics: '$\\beta$-VAE'
# Single quotes are for what holds # {{ }} or a backslash: in double quotes \\b is a control character.
# linestyle: solid, dashed, dashdot, dotted, or points on and off by turns: [6, 1.5]
codecs:
{codecs}
# xlim: [0, 1.5]
# ylim: {{{first}: [28, 42]}}   # of one metric; [28, 42] is of every panel
# xscale: linear               # or log
# inset: {{xlim: [0.2, 0.4], ylim: [30, 33], at: auto}}   # or a corner, or [left, bottom, width, height]
# speed: decode                # of kind pareto; default: a panel for encode and decode each
# rates: [0.25, 0.5]           # of kind perception, in bits per pixel

# title: off                   # or a text
# legend: outside              # direct (at the curves), inside, outside, off
# note: off                    # the lines below the panels that say how to read them
# width: column                # column (3.5 in), double (7.2 in), or inches
# style: FILE.mplstyle
"""


def figure_bytes(path: Path, form: Format) -> bytes:
    """A figure as its file describes it.

    Raises
    ------
    ConfigError
        The description is invalid, or names what the runs do not have: the message begins with file and line.
    StoreError
        A folder is no run, or one that this version can't read.
    """
    file, document = load_figure_file(path)
    for place, name in enumerate(file.references):
        try:
            open_reference(name)
        except ConfigError as error:
            raise located(document, ("references", place), str(error)) from error
    try:
        data = figure_data(file.runs, file.references, file.anchor, file.average)
    except ConfigError as error:
        raise located(document, ("anchor",) if file.anchor else ("runs",), str(error)) from error
    try:
        with styled(file.style):
            figure = described_figure(data, file)
            if figure is None:
                raise FieldProblem(("kind",), f"the runs have nothing for {file.kind}")
            settle(figure)
            return rendered(figure, form)
    except FieldProblem as problem:
        raise located(document, problem.key, problem.problem) from problem


def figure_data(
    runs: Sequence[Path], references: Sequence[str], anchor: str | None, average: Average
) -> tuple[ReportData, ...]:
    """What figures of some runs are drawn from, without the trials behind it.

    Parameters
    ----------
    references : files of published curves, or names of them
    """
    options = ReportOptions(anchor=anchor, published=open_references(references), average=average)
    return tuple(it.without_trials() for it in build_report_data(runs, options))


def template(run: Path) -> str:
    """A commented description of a run's RD curves, in YAML.

    Raises
    ------
    StoreError
        The folder is no run, or one that this version can't read.
    """
    data = build_report_data([run])
    labels = list(dict.fromkeys(it.label for its in data for it in its.lossy))
    styles = {label: style for its in data for label, style in its.styles.items()}
    metrics = list(dict.fromkeys(it.name for its in data for it in its.measures))
    headline = data[0].headline or tuple(metrics[:1])
    codecs = [
        f"  - {{label: {_quoted(label)}, name: {_quoted(label)},"
        f" color: '{styles[label].colour}', marker: '{styles[label].marker}'}}"
        for label in labels
    ]
    known = wrapped(f"a panel each; there are {', '.join(metrics)}", _WIDTH, "")
    datasets = [_quoted(it.dataset) for it in data]
    return _TEMPLATE.format(
        run=_quoted(str(run)),
        kinds=" | ".join(KINDS),
        metric=", ".join(headline),
        metrics="\n".join(f"# {it}" for it in known),
        first=headline[0] if headline else "psnr_rgb",
        datasets=f"datasets: [{', '.join(datasets)}]   # a panel each\n" if len(datasets) > 1 else "",
        anchor=_quoted(data[0].anchor or "jpeg"),
        codecs="\n".join(codecs) or "  []",
    )


def _quoted(text: str) -> str:
    """A scalar of YAML that is this text; plain where that is safe."""
    plain = text.replace("-", "").replace("_", "").replace("/", "").replace(".", "")
    harmless = plain.isascii() and plain.isalnum() and text[0].isalpha()
    if harmless and text.lower() not in _WORDS:
        return text
    return "'{}'".format(text.replace("'", "''")) if text.isprintable() else json.dumps(text)


_WORDS = {"on", "off", "yes", "no", "true", "false", "null", "y", "n"}
"""What YAML takes for something else than text."""
