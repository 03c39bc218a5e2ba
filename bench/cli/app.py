"""The commands and their options."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.arguments import (
    ConditionsName,
    DatasetFolders,
    Device,
    EngineName,
    Recursive,
    RunFolder,
    Scheduler,
    Sealed,
    TlsCa,
    TlsCert,
    TlsKey,
    TrustFolder,
    engine_of,
    note,
)
from bench.cli.commands import Commands
from bench.cli.datasets import OwnDatasets
from bench.cli.datasets import app as dataset_app
from bench.cli.exit_codes import EXIT_FAILED_TRIALS
from bench.cli.studies import command_of
from bench.engines import LOCAL, open_engine
from bench.studies.robustness.study import RobustnessStudy

app = typer.Typer(
    name="rdbench",
    cls=Commands,
    rich_markup_mode=None,  # plain text, in half the time that boxes take
    help="Benchmark image codecs: real bitstreams, rate-distortion curves, leaderboards, regression checks.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)
    ] = False,
) -> None:
    if version:
        from importlib.metadata import version as installed

        print(f"rdbench {installed('rdbench')}")
        raise typer.Exit


_AVERAGE_HELP = "What counts the same in mean curves and tables: every image, or every pixel."


@app.command()
def run(
    suite: Annotated[
        Path | None,
        typer.Argument(metavar="[SUITE.yaml]", help="A suite file; without one, the default suite."),
    ] = None,
    dataset: Annotated[
        list[str] | None, typer.Option("--dataset", "-d", metavar="NAME|FOLDER", help="Images to measure.")
    ] = None,
    codec: Annotated[
        list[str] | None,
        typer.Option(
            "--codec",
            "-c",
            metavar="SPEC",
            help="jpeg | jpeg:subsampling=444@10,50 | file.py:Class; instead of a suite's own.",
        ),
    ] = None,
    quality: Annotated[
        str | None,
        typer.Option("--quality", "-q", metavar="10,20,…", help="For lossy codecs named without points."),
    ] = None,
    metric: Annotated[
        list[str] | None, typer.Option("--metric", "-m", metavar="NAME", help="Metrics to take.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            help="Run folder; default results/runs/<data set>. Resumed if it exists.",
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            "-j",
            min=1,
            help="Trials at a time on each machine; default: one for each processor, or thread of a worker.",
        ),
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=0.001, metavar="S", help="Seconds for one encode or decode.")
    ] = 300,
    conditions: ConditionsName = None,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Only the first N images of each set.")
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="K/N", help="Only every N-th image, from the K-th on; `rdbench merge` joins such runs."
        ),
    ] = None,
    recursive: Recursive = False,
    own_datasets: OwnDatasets = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Measure everything again.")] = False,
    prune: Annotated[
        bool,
        typer.Option(
            "--prune", help="Remove from the run what this command does not ask for; the old journal is kept."
        ),
    ] = False,
    timing: Annotated[
        bool,
        typer.Option(
            "--timing", help="Take precise times: one trial at a time, pinned, warmed up, repeated."
        ),
    ] = False,
    repeats: Annotated[int, typer.Option(min=1, help="Timed repetitions with --timing.")] = 5,
    threads: Annotated[
        str | None,
        typer.Option(
            metavar="N,…", help="With --timing: once for each number of threads, on as many processors."
        ),
    ] = None,
    keep_bitstreams: Annotated[
        bool, typer.Option("--keep-bitstreams", help="Store every bitstream, for the report's viewer.")
    ] = False,
    device: Device = "auto",
    sealed: Sealed = None,
    engine: EngineName = LOCAL,
    scheduler: Scheduler = None,
    tls_ca: TlsCa = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    report: Annotated[bool, typer.Option(help="Write tables and plots when the run is done.")] = True,
) -> None:
    """Measure codecs on images; running again resumes."""
    from bench.engines.engine import EngineOptions

    # First of all, because it loads its kernels while this process imports what it needs itself.
    engine, cluster = engine_of(engine, scheduler, tls_ca, tls_cert, tls_key)
    hidden = (out or Path("results"),)
    means = EngineOptions(jobs, timeout, timing, sealed, cluster, note, hidden=hidden)
    with open_engine(engine, means) as started:
        from bench.cli import measuring
        from bench.inputs.shard import Shard
        from bench.runs.options import Options

        request = measuring.RunRequest(
            suite, dataset, codec, quality, metric, limit, device, out, report, recursive, conditions
        )
        options = Options(
            jobs=jobs,
            timeout=timeout,
            timing=timing,
            repeats=repeats,
            threads=measuring.thread_counts(threads),
            fresh=fresh,
            prune=prune,
            keep_bitstreams=keep_bitstreams,
            shard=Shard.parse(shard) if shard is not None else None,
            sealed=sealed,
            engine=engine,
            cluster=cluster,
        )
        failed = measuring.run(request, options, started)
    if failed:
        raise typer.Exit(EXIT_FAILED_TRIALS)


@app.command()
def merge(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN…", help="Run folders.", show_default=False)],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Run folder of all.", show_default=False)
    ],
) -> None:
    """Join runs: of shards, of other codecs or data sets, of other machines. They stay as they are."""
    from bench.cli import merging

    merging.merge(runs, out)


@app.command()
def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN…", help="Run folders.", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", help="Default: the folder `report` in the first run."),
    ] = None,
    latex: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write only what a paper includes: LaTeX tables, PDF figures."),
    ] = None,
    anchor: Annotated[
        str | None,
        typer.Option("--anchor", "-a", metavar="LABEL", help="Codec that the others are compared with."),
    ] = None,
    codec: Annotated[
        list[str] | None,
        typer.Option("--codec", "-c", metavar="LABEL", help="Only these codecs; needs --out or --latex."),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option("--metric", "-m", metavar="NAME", help="Only these metrics; needs --out or --latex."),
    ] = None,
    reference: Annotated[
        list[str] | None,
        typer.Option(
            "--reference",
            "-r",
            metavar="NAME|FILE",
            help="Published curves to draw beside; 'kodak/*' is all.",
        ),
    ] = None,
    width: Annotated[
        str | None,
        typer.Option(metavar="column|double", help="Figures at 3.5 or 7.2 in; default: each as suits."),
    ] = None,
    rate_axis: Annotated[str, typer.Option(metavar="log|linear", help="Axis of bits per pixel.")] = "log",
    style: Annotated[
        Path | None, typer.Option(metavar="FILE.mplstyle", help="Matplotlib style instead of rdbench's.")
    ] = None,
    average: Annotated[
        str | None, typer.Option(metavar="images|pixels", help=f"{_AVERAGE_HELP} Default: images.")
    ] = None,
    conditions: ConditionsName = None,
    mean_of: Annotated[
        str | None,
        typer.Option(
            metavar="METRIC,…|jpeg-ai",
            help="Rank with the mean BD-rate over these metrics beside; default: those of the conditions, or"
            " JPEG AI's seven where all are measured.",
        ),
    ] = None,
    startup: Annotated[
        bool,
        typer.Option(
            "--startup/--no-startup", help="Whether times include the start of programs, with their files."
        ),
    ] = True,
    trust: TrustFolder = False,
) -> None:
    """Write tables, figures and the leaderboard page from finished runs; codecs decode what runs kept."""
    from bench.cli import reporting
    from bench.report.mean_bd import named_metrics
    from bench.report.selection import Selection
    from bench.trials.trust import Trust

    selection = Selection(tuple(codec or ()), tuple(metric or ()))
    average = reporting.average_of(average, conditions, runs)
    options = reporting.report_options(anchor, reference or [], selection, average, conditions)
    figures = reporting.figure_options(width, rate_axis, style)
    options = replace(
        options,
        figures=figures,
        mean_of=named_metrics(mean_of) if mean_of is not None else (),
        startup=startup,
        trust=Trust(trust),
    )
    if latex is None:
        reporting.report(runs, out, options)
    else:
        reporting.paper(runs, latex, out, options)


@app.command()
def figure(
    description: Annotated[
        Path | None,
        typer.Argument(metavar="FIG.yaml", help="What the figure shows, and how.", show_default=False),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FIG.pdf|png|svg", help="Default: the file's own name, as PDF."
        ),
    ] = None,
    new: Annotated[
        Path | None,
        typer.Option("--new", metavar="RUN", help="Print a commented file to start from instead."),
    ] = None,
) -> None:
    """Draw one figure of finished runs as a file describes it."""
    from bench.cli import reporting

    reporting.figure(description, output, new)


@app.command()
def compare(
    anchor: Annotated[
        str,
        typer.Argument(
            metavar="ANCHOR",
            help="RUN#LABEL, a file of curves, or a label that the runs have.",
            show_default=False,
        ),
    ],
    tests: Annotated[
        list[str],
        typer.Argument(metavar="TEST…", help="RUN, RUN#LABEL or a file of curves.", show_default=False),
    ],
    method: Annotated[str, typer.Option(metavar="pchip|akima|cubic", help="Interpolation.")] = "pchip",
    format: Annotated[
        str,
        typer.Option("--format", "-f", metavar="text|markdown|latex|json|csv", help="Form of the table."),
    ] = "text",
    metric: Annotated[
        list[str] | None, typer.Option("--metric", "-m", metavar="NAME", help="Default: all shared ones.")
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="METRIC,…", help="A table as in papers: a row for each codec, metrics as columns."
        ),
    ] = None,
    intervals: Annotated[
        bool, typer.Option("--intervals", help="95% intervals beside the numbers of such a table.")
    ] = False,
    mean_curve: Annotated[
        bool,
        typer.Option("--mean-curve", help="In it, BD-rates of mean curves instead of image by image."),
    ] = False,
    name: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LABEL=NAME", help="What a codec is called; with --columns also a data set or metric."
        ),
    ] = None,
    average: Annotated[str, typer.Option(metavar="images|pixels", help=_AVERAGE_HELP)] = "images",
) -> None:
    """Print BD-rates between any mixture of runs, codecs inside a run and published files."""
    from bench.cli import comparing

    layout = comparing.TableLayout(format, columns, intervals, mean_curve, tuple(name or ()))
    comparing.compare(anchor, tests, method, metric, average, layout)


@app.command()
def budget(
    run: RunFolder,
    bpp: Annotated[
        str | None, typer.Option(metavar="0.15,…", help="Total bits over total pixels of a data set.")
    ] = None,
    size: Annotated[
        str | None, typer.Option("--bytes", metavar="N,…", help="Bytes of all its bitstreams instead.")
    ] = None,
    metric: Annotated[
        str, typer.Option("--metric", "-m", metavar="NAME", help="Whose mean is to be the best.")
    ] = "psnr_rgb",
    pooled: Annotated[
        bool, typer.Option("--pooled", help="The PSNR of the whole set's squared error instead of the mean.")
    ] = False,
    cap: Annotated[
        float | None, typer.Option(min=0.0, metavar="BPP", help="Bits per pixel that no image exceeds.")
    ] = None,
    codec: Annotated[
        list[str] | None,
        typer.Option("--codec", "-c", metavar="LABEL", help="Only these codecs; default: all lossy ones."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="SUITE.yaml", help="Write the qualities, to be run again."),
    ] = None,
    format: Annotated[
        str, typer.Option("--format", "-f", metavar="text|markdown|latex|json|csv", help="Form of the table.")
    ] = "text",
) -> None:
    """Choose one measured point of each image, the best within a budget of bytes for the data set."""
    from bench.cli import budgeting

    budgeting.budget(run, budgeting.request_of(bpp, size, metric, pooled, cap, codec or []), output, format)


@app.command()
def worst(
    run: RunFolder,
    run2: Annotated[
        Path | None,
        typer.Argument(metavar="[RUN2]", help="The run of the new codec; default: the same run."),
    ] = None,
    anchor: Annotated[
        str | None, typer.Option("--anchor", "-a", metavar="LABEL", help="The old codec.")
    ] = None,
    codec: Annotated[
        str | None,
        typer.Option("--codec", "-c", metavar="LABEL", help="The new one; default: as the old one, in RUN2."),
    ] = None,
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="How many images.")] = 8,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE.png|svg|pdf", help="Crops of them, side by side."),
    ] = None,
    metric: Annotated[
        str | None, typer.Option("--metric", "-m", metavar="NAME", help="Default: PSNR.")
    ] = None,
    quality: Annotated[
        float | None,
        typer.Option(
            "--quality", "-q", help="Operating point of the old codec; default: where most is lost."
        ),
    ] = None,
    map: Annotated[
        str,
        typer.Option(metavar="NAME", help="The map that says where pictures differ; see `rdbench diff`."),
    ] = "ssim",
    format: Annotated[
        str, typer.Option("--format", "-f", metavar="text|markdown|latex|json|csv", help="Form of the table.")
    ] = "text",
    dataset: DatasetFolders = None,
    own_datasets: OwnDatasets = None,
    timeout: Annotated[
        float, typer.Option(min=0.001, metavar="S", help="Seconds for one encode or decode.")
    ] = 300,
    trust: TrustFolder = False,
) -> None:
    """Name the images that lose most from one codec or version to another, and show where in the picture."""
    from bench.cli import losing

    runs = (run, run2 or run)
    request = losing.WorstRequest(
        *(runs, anchor, codec, count, metric, quality, map, format, output, tuple(dataset or ())),
        timeout=timeout,
        trust=trust,
    )
    losing.worst(request)


@app.command()
def diff(
    original: Annotated[Path, typer.Argument(metavar="ORIGINAL", help="An image file.", show_default=False)],
    decoded: Annotated[
        Path, typer.Argument(metavar="DECODED", help="What became of it.", show_default=False)
    ],
    metric: Annotated[
        list[str] | None,
        typer.Option("--metric", "-m", metavar="NAME", help="Metrics to take; file.py:Class too."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE.png|npy",
            help="The map of the metric: psnr_rgb, ssim_rgb, flip, butteraugli, ssimulacra2 or cvvdp.",
        ),
    ] = None,
    full: Annotated[
        float | None, typer.Option(min=1e-9, help="The error that is brightest; default: as in the viewer.")
    ] = None,
    linear: Annotated[
        bool, typer.Option("--linear", help="Brightness follows the error rather than its square root.")
    ] = False,
    format: Annotated[
        str, typer.Option("--format", "-f", metavar="text|markdown|latex|json|csv", help="Form of the table.")
    ] = "text",
) -> None:
    """Compare two image files: the values of metrics, and a map of where they differ."""
    from bench.cli import differing

    differing.diff(
        differing.DiffRequest(original, decoded, tuple(metric or ()), output, full, linear, format)
    )


@app.command()
def export(
    run: RunFolder,
    format: Annotated[
        str, typer.Option("--format", "-f", metavar="csv|json|parquet|compressai|codec-compare", help="Form.")
    ] = "csv",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE|DIR", help="Default: standard output.")
    ] = None,
) -> None:
    """Write a run's measurements, one row for each trial."""
    from bench.cli import reporting

    reporting.export(run, format, output)


@app.command()
def baseline(
    run: RunFolder,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="The baseline file, JSON.", show_default=False),
    ],
) -> None:
    """Keep a run's state in a file, for `check` to hold later ones against."""
    from bench.cli import checking

    checking.baseline(run, output)


@app.command()
def check(
    subject: Annotated[
        Path,
        typer.Argument(
            metavar="RUN|SUITE.yaml", help="A run folder, or a suite to measure now.", show_default=False
        ),
    ],
    baseline: Annotated[
        Path | None, typer.Option("--baseline", "-b", metavar="FILE", help="What `rdbench baseline` wrote.")
    ] = None,
    format: Annotated[
        str, typer.Option("--format", "-f", metavar="text|markdown|json|junit|github", help="Form.")
    ] = "text",
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="Default: standard output.")
    ] = None,
    update: Annotated[
        bool, typer.Option("--update", help="Accept the new state: write it to the baseline.")
    ] = False,
    limits: Annotated[
        Path | None,
        typer.Option("--limits", metavar="SUITE.yaml", help="The suite file whose `gate` applies to a run."),
    ] = None,
    timing: Annotated[
        bool, typer.Option("--timing", help="Compare speed with --against, interleaved on this machine.")
    ] = False,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="ENV|WHEEL|FILE.py|COMMAND",
            help="The old side: a virtual environment, a wheel, the former version of a codec's file, or a"
            " command that starts a Python.",
        ),
    ] = None,
    rounds: Annotated[
        int, typer.Option(min=3, help="Pairs of processes that take the times of --timing.")
    ] = 10,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="DIR", help="Keep the run of a suite here; else it is discarded."
        ),
    ] = None,
    html: Annotated[
        bool,
        typer.Option(
            "--html", help="Write `verdict.html` into --out: what differs, and crops of the worst images."
        ),
    ] = False,
    before: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN", help="The run that the baseline was made of, for its pictures in --html."
        ),
    ] = None,
    own_datasets: OwnDatasets = None,
    trust: TrustFolder = False,
) -> None:
    """Hold a run against a baseline; 0 pass, 1 regression, 2 bad usage, 3 failed trials."""
    from bench.cli import checking

    request = checking.CheckRequest(
        *(subject, baseline, limits, format, output, update, timing, against, rounds, out),
        html=html,
        before=before,
        trust=trust,
    )
    code = checking.check(request)
    if code:
        raise typer.Exit(code)


@app.command()
def verify(
    run: RunFolder,
    dataset: DatasetFolders = None,
    own_datasets: OwnDatasets = None,
    sample: Annotated[
        str, typer.Option(metavar="SHARE", help="Of the results, how many to encode again as well.")
    ] = "10%",
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="Of the sample and of the order of decoding; default: one nobody can know."),
    ] = None,
    decode_only: Annotated[bool, typer.Option("--decode-only", help="Encode nothing again.")] = False,
    audit: Annotated[
        bool,
        typer.Option(help="Encode altered pictures too: a codec that knows the originals stands out."),
    ] = True,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, help="Bitstreams at a time; default: one for each processor."),
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=0.001, metavar="S", help="Seconds for one encode or decode.")
    ] = 300,
    format: Annotated[
        str, typer.Option("--format", "-f", metavar="text|markdown|json|github", help="Form of the output.")
    ] = "text",
    output: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help="What is written; default `verification.json` in the run."
        ),
    ] = None,
    trust: TrustFolder = False,
) -> None:
    """Decode a run again, check its numbers; 0 verified, 1 contradicted, 2 bad usage, 3 not all checked."""
    from bench.cli import verifying

    request = verifying.VerifyRequest(
        *(run, tuple(dataset or ()), sample, seed, decode_only, audit, jobs, timeout, trust, format, output)
    )
    code = verifying.verify(request)
    if code:
        raise typer.Exit(code)


@app.command()
def submit(
    folders: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN|ENTRY…", help="A finished run; with --check entries.", show_default=False
        ),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="The folder of the entry.")
    ] = None,
    entry: Annotated[
        Path | None,
        typer.Option(
            "--entry",
            metavar="FILE.yaml",
            help="What is said below, as a file; default: the entry.yaml that DIR has.",
        ),
    ] = None,
    codec: Annotated[
        list[str] | None,
        typer.Option("--codec", "-c", metavar="LABEL", help="Only these configurations of the run."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Of the entry.")] = None,
    version: Annotated[
        str | None, typer.Option(help="Of the entry; those of one name are its history. Default: 1.")
    ] = None,
    authors: Annotated[
        list[str] | None, typer.Option("--authors", metavar="NAME", help="Repeatable.")
    ] = None,
    date: Annotated[str | None, typer.Option(metavar="YYYY-MM-DD", help="Of the results.")] = None,
    licence: Annotated[str | None, typer.Option(help="Of the codec's code.")] = None,
    paper: Annotated[str | None, typer.Option(metavar="URL")] = None,
    code: Annotated[str | None, typer.Option(metavar="URL")] = None,
    comment: Annotated[str | None, typer.Option("--note", metavar="TEXT", help="A line about it.")] = None,
    hardware: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Default: the processors that the run names.")
    ] = None,
    training_data: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Of a learned codec, which has to say it.")
    ] = None,
    open_weights: Annotated[
        bool | None,
        typer.Option("--open-weights/--closed-weights", help="Of a learned codec: can everybody have them?"),
    ] = None,
    weights_url: Annotated[str | None, typer.Option(metavar="URL")] = None,
    condition: Annotated[
        list[str] | None,
        typer.Option("--condition", metavar="NAME", help="A condition of the board that it meets."),
    ] = None,
    bitstreams: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Leave them out: each is at URL/<SHA-256> instead."),
    ] = None,
    check_only: Annotated[
        bool, typer.Option("--check", help="Say what is wrong with the entries named, and write nothing.")
    ] = False,
    fetch_streams: Annotated[
        bool,
        typer.Option("--fetch", help="With --check: download the bitstreams that an entry has elsewhere."),
    ] = False,
    file: Annotated[
        list[Path] | None,
        typer.Option(
            "--file",
            metavar="FILE",
            help="A data file that a codec in a file reads; repeatable. Modules that it imports go anyway.",
        ),
    ] = None,
    board: Annotated[
        Path | None,
        typer.Option(
            "--board",
            metavar="BOARD",
            help="Tell what place the entry would have there, or why none; default: the board around DIR.",
        ),
    ] = None,
) -> None:
    """Make the folder of an entry for a leaderboard, the same of the same run; or check such folders."""
    from bench.cli import boards

    said = {
        "name": name,
        "version": version,
        "authors": authors,
        "date": date,
        "licence": licence,
        "paper": paper,
        "code": code,
        "hardware": hardware,
        "training_data": training_data,
        "open_weights": open_weights,
        "weights_url": weights_url,
        "bitstreams": bitstreams,
        "note": comment,
        "conditions": condition,
    }
    if check_only:
        boards.check_entries(folders, fetch_streams, board)
    else:
        given = {key: it for key, it in said.items() if it is not None}
        boards.submit_run(folders, out, entry, given, codec or [], file or [], board)


@app.command()
def site(
    board: Annotated[
        Path,
        typer.Argument(metavar="BOARD", help="A folder with entries anywhere below.", show_default=False),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Where the site goes.")] = Path(
        "site"
    ),
    pictures: Annotated[
        int,
        typer.Option(min=0, max=50, metavar="N", help="Images of each data set with reconstructions."),
    ] = 2,
    trust: TrustFolder = False,
) -> None:
    """Write the site of a leaderboard from its folder of entries; 3 if some had to be left out."""
    from bench.cli import boards

    if code := boards.write(board, out, pictures, trust):
        raise typer.Exit(code)


@app.command()
def history(
    states: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN|BASELINE|FOLDER…",
            help="The oldest first; a folder of them by date or commit.",
            show_default=False,
        ),
    ],
    codec: Annotated[
        list[str] | None, typer.Option("--codec", "-c", metavar="LABEL", help="Only these codecs.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            help="Write tables, figure and page; into a run, its report shows them.",
        ),
    ] = None,
    format: Annotated[
        str, typer.Option("--format", "-f", metavar="text|markdown|latex|json|csv", help="Form of the table.")
    ] = "text",
) -> None:
    """Show how bytes, metrics, BD-rate and speed of a codec came about over its versions."""
    from bench.cli import checking

    checking.history(states, codec or [], out, format)


@app.command(name="list")
def list_(
    what: Annotated[
        str,
        typer.Argument(metavar="codecs|metrics|datasets|references|conditions|runs", show_default=False),
    ],
    dataset: Annotated[
        str | None,
        typer.Option("--dataset", "-d", metavar="NAME", help="Of references, only those of this data set."),
    ] = None,
    own_datasets: OwnDatasets = None,
) -> None:
    """List what can be measured, on what, and what has been."""
    from bench.cli import inspecting

    inspecting.list_things(what, dataset)


@app.command()
def doctor() -> None:
    """Tell which codecs and metrics work here, with their versions, and how to install the others."""
    from bench.cli import inspecting

    inspecting.doctor()


@app.command()
def fetch(
    names: Annotated[list[str], typer.Argument(metavar="DATASET|REFERENCE…", show_default=False)],
    own_datasets: OwnDatasets = None,
) -> None:
    """Download data sets or published curves into the user's cache, verified."""
    from bench.cli import inspecting

    inspecting.fetch(names)


@app.command()
def encode(
    codec: Annotated[
        str, typer.Argument(metavar="SPEC", help="As for run, with one quality: jpeg@80", show_default=False)
    ],
    image: Annotated[Path, typer.Argument(metavar="IMAGE", show_default=False)],
    output: Annotated[Path, typer.Argument(metavar="BITSTREAM", show_default=False)],
    timeout: Annotated[float, typer.Option(min=0.001, metavar="S", help="Seconds that it may take.")] = 300,
) -> None:
    """Encode one image file to a bitstream file."""
    from bench.cli import files

    if files.encode(codec, image, output, timeout):
        raise typer.Exit(EXIT_FAILED_TRIALS)


@app.command()
def decode(
    codec: Annotated[str, typer.Argument(metavar="SPEC", help="The codec that made it.", show_default=False)],
    bitstream: Annotated[Path, typer.Argument(metavar="BITSTREAM", show_default=False)],
    output: Annotated[Path, typer.Argument(metavar="IMAGE.png", show_default=False)],
    timeout: Annotated[float, typer.Option(min=0.001, metavar="S", help="Seconds that it may take.")] = 300,
) -> None:
    """Decode one bitstream file to a PNG file."""
    from bench.cli import files

    if files.decode(codec, bitstream, output, timeout):
        raise typer.Exit(EXIT_FAILED_TRIALS)


@app.command()
def train(
    codec: Annotated[str, typer.Argument(metavar="CODEC", help="A learned codec.", show_default=False)],
    data: Annotated[str, typer.Option("--data", "-d", metavar="NAME|FOLDER", help="Training pictures.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Checkpoints and logs.")],
    validation: Annotated[
        str | None, typer.Option(metavar="NAME|FOLDER", help="Pictures for RD points of real bitstreams.")
    ] = None,
    validate_every: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Steps between validations. Default: the preset's.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Default: the preset's. With --resume: to train longer.")
    ] = None,
    minutes: Annotated[float | None, typer.Option(min=0.01, help="About how long, instead of steps.")] = None,
    preset: Annotated[
        str | None,
        typer.Option(metavar="tiny|base", help="tiny trains in seconds, for tests. Default: base."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="Only the first N pictures.")] = None,
    recursive: Recursive = False,
    own_datasets: OwnDatasets = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of initialisation and crops. Default: 1.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last checkpoint in DIR, with its settings.")
    ] = False,
    device: Device = "auto",
    weights: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The vae to start from; default: vae: none, vae-gan: the shipped."),
    ] = None,
    export: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the shippable weights when done.")
    ] = None,
) -> None:
    """Train a learned codec; checkpoints survive a kill and resume to the same trajectory."""
    from bench.cli import training
    from bench.trainer import TrainRequest

    job = training.TrainOptions(codec, data, validation, limit, export, recursive)
    request = TrainRequest(
        out,
        preset=preset,
        steps=steps,
        minutes=minutes,
        validate_every=validate_every,
        device=device,
        seed=seed,
        resume=resume,
        weights=weights,
    )
    training.train(job, request)


@app.command()
def sample(
    codec: Annotated[str, typer.Argument(metavar="CODEC", help="A learned codec.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="GRID.png", help="Where the pictures go.")],
    count: Annotated[int, typer.Option("-n", min=1, max=64, help="How many.")] = 8,
    quality: Annotated[float, typer.Option("--quality", "-q", help="Level of the prior.")] = 3,
    seed: Annotated[int, typer.Option(min=0, help="The same seed draws the same pictures.")] = 1,
    weights: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The vae's, also for vae-gan; default: the shipped weights."),
    ] = None,
    generator: Annotated[
        Path | None, typer.Option(metavar="FILE", help="vae-gan: the generator; default: the shipped one.")
    ] = None,
) -> None:
    """Draw pictures from a learned codec's prior."""
    from bench.cli import training
    from bench.trainer import SampleRequest

    training.sample(codec, SampleRequest(count, quality, seed, weights, generator), out)


@app.command()
def distribution(
    run: RunFolder,
    metric: Annotated[
        str, typer.Option("--metric", "-m", metavar="kid|kid_alexnet|kid_across_images|…|fid")
    ] = "kid_alexnet_across_images",
    dataset: DatasetFolders = None,
    own_datasets: OwnDatasets = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, help="Decoders at a time; default: one for each processor."),
    ] = None,
    device: Device = "auto",
    engine: EngineName = LOCAL,
    scheduler: Scheduler = None,
    tls_ca: TlsCa = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    trust: TrustFolder = False,
) -> None:
    """Distances between sets of pictures (KID, FID) for a run made with --keep-bitstreams."""
    from bench.cli import distribution as sets
    from bench.engines.engine import EngineOptions
    from bench.studies.session import StudyOptions
    from bench.trials.trust import Trust

    engine, cluster = engine_of(engine, scheduler, tls_ca, tls_cert, tls_key)
    means = EngineOptions(jobs, cluster=cluster, note=note)
    options = StudyOptions(tuple(dataset or ()), Trust(trust), means, engine)
    if sets.distribution(run, metric, options, device):
        raise typer.Exit(EXIT_FAILED_TRIALS)


app.command(RobustnessStudy.name)(command_of(RobustnessStudy))
app.add_typer(dataset_app)


@app.command()
def generations(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CODEC… IMAGE…|RUN",
            help="SPECs as for run, and images; or a finished run, whose trials are the first generation.",
            show_default=False,
        ),
    ] = None,
    codec: Annotated[
        list[str] | None, typer.Option("--codec", "-c", metavar="SPEC", help="A codec, as for run.")
    ] = None,
    dataset: Annotated[
        list[str] | None,
        typer.Option("--dataset", "-d", metavar="NAME|FOLDER", help="Pictures; of a run, its originals."),
    ] = None,
    quality: Annotated[
        str | None,
        typer.Option("--quality", "-q", metavar="Q,…", help="Default: the middle of each codec's sweep."),
    ] = None,
    count: Annotated[
        int, typer.Option("-n", min=2, max=1000, metavar="N", help="Generations, the first one included.")
    ] = 10,
    shift: Annotated[
        int,
        typer.Option(
            min=0, metavar="PIXELS", help="Move the picture down and right by so much before each encoding."
        ),
    ] = 0,
    metric: Annotated[
        list[str] | None,
        typer.Option("--metric", "-m", metavar="NAME", help="Default: psnr_rgb and ms_ssim_rgb."),
    ] = None,
    bpp: Annotated[
        float,
        typer.Option(min=0.001, help="Of a run: lossy codecs at their point nearest to this rate."),
    ] = 0.5,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Only the first N images of each set.")
    ] = None,
    recursive: Recursive = False,
    own_datasets: OwnDatasets = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="DIR", help="Default: results/generations/<pictures>, or in the run."
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, help="Chains at a time; default: one for each processor."),
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=0.001, metavar="S", help="Seconds for one encode or decode.")
    ] = 300,
    device: Device = "auto",
    engine: EngineName = LOCAL,
    scheduler: Scheduler = None,
    tls_ca: TlsCa = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    trust: TrustFolder = False,
) -> None:
    """Encode, decode and encode again: what is lost over generations, and whether it comes to an end."""
    from bench.cli import generating
    from bench.engines.engine import EngineOptions
    from bench.studies.session import StudyOptions

    request = generating.GenerationsRequest(
        *(names or [], codec or [], dataset or [], quality, metric or [], limit, recursive, device),
        *(count, shift, bpp, out, trust),
    )
    engine, cluster = engine_of(engine, scheduler, tls_ca, tls_cert, tls_key)
    means = EngineOptions(jobs, timeout, cluster=cluster, note=note)
    if generating.generations(request, StudyOptions(of_engine=means, engine=engine)):
        raise typer.Exit(EXIT_FAILED_TRIALS)


@app.command()
def explain(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="CODEC… [IMAGE]", help="SPECs as for run, then an image.", show_default=False),
    ] = None,
    dataset: Annotated[
        list[str] | None,
        typer.Option("--dataset", "-d", metavar="NAME|FOLDER", help="Pictures, instead of one image."),
    ] = None,
    suite: Annotated[
        Path | None, typer.Option(metavar="SUITE.yaml", help="Take the codecs, and the data sets, from it.")
    ] = None,
    quality: Annotated[
        str | None,
        typer.Option("--quality", "-q", metavar="Q,…", help="Default: the middle of each codec's sweep."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="Default: results/explain/<pictures>.")
    ] = None,
    figures: Annotated[
        bool, typer.Option(help="Draw a page for each picture; the numbers always come.")
    ] = True,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Only the first N images of each set.")
    ] = None,
    recursive: Recursive = False,
    own_datasets: OwnDatasets = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, help="Pictures at a time; default: one for each processor."),
    ] = None,
    timeout: Annotated[float, typer.Option(min=0.001, metavar="S", help="Seconds for one picture.")] = 600,
    device: Device = "auto",
    engine: EngineName = LOCAL,
    scheduler: Scheduler = None,
    tls_ca: TlsCa = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
) -> None:
    """Show where a bitstream's bits went, and what the latents of a learned codec draw."""
    from bench.cli import explaining
    from bench.engines.engine import EngineOptions

    request = explaining.ExplainRequest(
        names or [], suite, dataset, quality, limit, out, figures, device, recursive
    )
    engine, cluster = engine_of(engine, scheduler, tls_ca, tls_cert, tls_key)
    if explaining.explain(request, EngineOptions(jobs, timeout, cluster=cluster, note=note), engine):
        raise typer.Exit(EXIT_FAILED_TRIALS)
