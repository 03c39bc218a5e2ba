"""Pages made of the code: one for each codec and metric, the command line; and of the runs that are kept."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import typing
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import griffe
import mkdocs_gen_files

from bench import registry
from bench.engines import open_engine
from bench.engines.describing import (
    Installed,
    installed_codecs,
    installed_dataset_metrics,
    installed_metrics,
)
from bench.engines.engine import EngineOptions
from bench.exchange.references import PublicCurve, known_references
from bench.metrics.dataset import DATASET_METRICS

ROOT = Path(__file__).parents[2]
BAR = r"\|"
INSTALL_LINE = re.compile(r"pip install ([\"']).+?\1")
sys.path[:0] = [str(Path(__file__).parent)]

from docstrings import markdown  # noqa: E402
from installing import install_lines  # noqa: E402


def main() -> None:
    """Write every generated page."""
    installs = {
        name: INSTALL_LINE.sub(r"`\g<0>`", line)
        for name, line in install_lines([registry.CODECS, registry.METRICS, DATASET_METRICS]).items()
    }
    with open_engine(options=EngineOptions(timeout=120)) as engine:
        codecs, metrics = installed_codecs(engine), installed_metrics(engine)
        set_metrics = installed_dataset_metrics(engine)
    for it in codecs:
        write(f"codecs/{it.name}.md", codec_page(it, installs[it.name]))
    for group, those in ((registry.METRICS, metrics), (DATASET_METRICS, set_metrics)):
        for it in those:
            write(f"metrics/{it.name}.md", metric_page(it, registry.find(group, it.name), installs[it.name]))
    write("codecs/index.md", codec_index(codecs))
    write("metrics/index.md", metric_index(metrics, set_metrics))
    write("references.md", published_curves())
    write("reference/cli.md", command_line())
    write("changelog.md", (ROOT / "CHANGELOG.md").read_text())
    write("kodak.md", board("kodak", "Kodak", "All codecs that come with rdbench on the 24 Kodak images"))
    write(
        "cid22.md",
        board(
            "cid22-val",
            "CID22",
            "Codecs that come with rdbench on the 41 validation pictures of CID22, of which no codec here has"
            " learned",
        ),
    )


def write(path: str, text: str) -> None:
    """Add a page to the site."""
    with mkdocs_gen_files.open(path, "w") as file:
        file.write(text)


def model_card(codec: str) -> str | None:
    """The model card in the package of a codec, its links to others turned to their pages here."""
    kind = registry.load(registry.find(registry.CODECS, codec))
    card = Path(inspect.getfile(kind)).with_name("MODEL_CARD.md")
    if not card.is_file():
        return None
    link = re.compile(r"\(\.\./(\w+)/MODEL_CARD\.md\)")
    return link.sub(lambda it: f"({it[1].replace('_', '-')}.md)", card.read_text())


def codec_page(found: Installed, install: str) -> str:
    """What the code says of one codec."""
    target = registry.find(registry.CODECS, found.name)
    kind = registry.load(target)
    facts = [
        ("Version where this page was made", found.version or found.state),
        ("Install", install),
    ]
    if found.codec is not None:
        facts.append(("Coding", "lossless" if found.codec.lossless else "lossy"))
        facts.append(("Pictures", pictures(found.codec.accepted.depths, found.codec.accepted.channels)))
        if found.codec.quality_range is not None:
            facts.append(("Quality", "{:g} to {:g}, higher is better".format(*found.codec.quality_range)))
            facts.append(("Default operating points", numbers(found.codec.qualities)))
    facts.append(("Class", f"`{target.replace(':', '.')}`"))
    if (card := model_card(found.name)) is not None:
        write(f"codecs/model-cards/{found.name}.md", card)
        facts.append(("Model card", f"[{found.name}](model-cards/{found.name}.md)"))
    parts = [f"# {found.name}", *description(kind), table(("", ""), facts)]
    if options := options_of(kind):
        parts += ["## Options", table(("option", "values", "default", ""), options)]
        first = options[0][0].strip("`")
        parts.append(f"Options follow a colon: `rdbench run -c {found.name}:{first}=…`")
    return "\n\n".join(parts)


def metric_page(found: Installed, target: str, install: str) -> str:
    """What the code says of one metric."""
    kind = registry.load(target)
    facts = [
        ("Version where this page was made", found.version or found.state),
        ("In reports", getattr(kind, "title", "") or found.name),
        ("Unit", kind.unit or "1, a pure number"),
        ("Better", better(kind)),
        ("Role", getattr(kind, "role", "") or "none"),
        ("Pictures", pictures(getattr(kind, "depths", (8,)), getattr(kind, "channels", ("rgb",)))),
        ("Install", install),
        ("Class", f"`{target.replace(':', '.')}`"),
    ]
    return "\n\n".join([f"# {found.name}", *description(kind), table(("", ""), facts)])


def pictures(depths: Iterable[int], channels: Iterable[str]) -> str:
    """The forms of pictures that a codec takes, or a metric is defined for, by default options."""
    known = {"rgb": "RGB", "grey": "grey", "rgba": "RGB with alpha"}
    bits = [str(it) for it in sorted(depths)]
    if len(bits) > 3:
        bits = [f"{bits[0]} to {bits[-1]}"]
    return f"{', '.join(known[it] for it in channels)}; {', '.join(bits)} bits a sample"


def better(kind: Any) -> str:
    """In which direction a metric improves."""
    ideal = getattr(kind, "ideal", None)
    if ideal is not None:
        return f"nearer to {ideal:g}"
    return "higher" if kind.higher_is_better else "lower"


def codec_index(found: Iterable[Installed]) -> str:
    """All codecs in one table."""
    rows = [(f"[{it.name}]({it.name}.md)", summary(registry.CODECS, it.name)) for it in found]
    return "\n\n".join(
        [
            "# Codecs",
            "Every codec that comes with rdbench. `rdbench list codecs` prints those that are installed"
            " where you are, your own included, and `rdbench doctor` how to install what is missing.",
            table(("codec", "what it is"), rows),
        ]
    )


def metric_index(of_pairs: Iterable[Installed], of_sets: Iterable[Installed]) -> str:
    """All metrics in two tables."""

    def rows(group: str, those: Iterable[Installed]) -> list[tuple[str, ...]]:
        return [
            (
                f"[{it.name}]({it.name}.md)",
                summary(group, it.name),
                better(registry.load(registry.find(group, it.name))),
            )
            for it in those
        ]

    head = ("metric", "what it is", "better")
    return "\n\n".join(
        [
            "# Metrics",
            "Of one image and its reconstruction, for `rdbench run --metric`:",
            table(head, rows(registry.METRICS, of_pairs)),
            "Of two sets of images, for `rdbench distribution --metric`:",
            table(head, rows(DATASET_METRICS, of_sets)),
        ]
    )


def published_curves() -> str:
    """The list of references by repository, with what is known of each curve."""
    by_repository: dict[str, list[PublicCurve]] = {}
    for it in known_references().values():
        by_repository.setdefault(it.of.repository, []).append(it)
    parts = [
        "# Published curves",
        "For `rdbench report --reference NAME`, with patterns such as `'kodak/*'`, and for figures. Files are"
        " fetched from the commit that is named, and verified; none is shipped.",
    ]
    for repository, curves in by_repository.items():
        of = curves[0].of
        address = f"https://github.com/{repository}/tree/{of.commit}"
        rows = [
            (
                f"`{it.name}`",
                it.version,
                ", ".join(it.metrics),
                str(it.listed.points),
                it.colour,
                it.of.averaging,
                "; ".join(it.traps),
            )
            for it in curves
        ]
        head = ("name", "version", "metrics", "points", "colour path", "averaging", "traps")
        parts += [
            f"## {repository}",
            f"At commit [{of.commit[:12]}]({address}). Licence: {of.licence}.",
            table(head, rows),
        ]
    return "\n\n".join(parts)


def summary(group: str, name: str) -> str:
    """The first paragraph of a class's docstring."""
    return description(registry.load(registry.find(group, name)))[0].partition("\n\n")[0]


def description(kind: Any) -> list[str]:
    """The prose of a class's docstring and of its module's, where the sources are named."""
    module = inspect.getdoc(sys.modules[kind.__module__]) or ""
    prose = [it.value for it in sections(inspect.getdoc(kind) or "") if it.kind.value == "text"]
    return [*prose, markdown(module)] if "\n" in module else prose


def options_of(kind: Any) -> list[tuple[str, str, str, str]]:
    """Name, values, default and meaning of each keyword of a codec's constructor."""
    meanings = {
        it.name: it.description
        for section in sections(inspect.getdoc(kind) or "")
        if section.kind.value == "parameters"
        for it in section.value
    }
    hints = typing.get_type_hints(kind.__init__)
    return [
        (f"`{it.name}`", values(hints[it.name]), f"`{text(it.default)}`", meanings.get(it.name, ""))
        for it in inspect.signature(kind).parameters.values()
    ]


def sections(docstring: str) -> list[Any]:
    """A docstring's parts, as numpydoc divides them."""
    return list(griffe.Docstring(markdown(docstring), parser="numpy").parse(warnings=False))


def values(hint: Any) -> str:
    """What an option may be."""
    if typing.get_origin(hint) is Literal:
        return ", ".join(f"`{text(it)}`" for it in typing.get_args(hint))
    return "`true`, `false`" if hint is bool else hint.__name__


def text(value: Any) -> str:
    """A value as the command line takes it."""
    return str(value).lower() if isinstance(value, bool) else str(value) or '""'


def numbers(them: Iterable[float]) -> str:
    """Numbers in a row."""
    return ", ".join(f"{it:g}" for it in them)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""

    def line(cells: Iterable[str]) -> str:
        return f"| {' | '.join(' '.join(it.split()).replace('|', BAR) for it in cells)} |"

    head = list(head)
    return "\n".join([line(head), line(["---"] * len(head)), *map(line, rows)])


def command_line() -> str:
    """The reference of the command line, by typer itself."""
    written = subprocess.run(
        [sys.executable, "-m", "typer", "bench.cli.app", "utils", "docs", "--name", "rdbench"],
        check=True,
        capture_output=True,
        text=True,
    )
    return written.stdout


def board(run: str, name: str, what: str) -> str:
    """The tables of a kept run, as its report has them, and its curves."""
    report = ROOT / "results" / run / "report"
    with mkdocs_gen_files.open(f"figures/{run}.svg", "wb") as file:
        file.write((report / "figures" / "rd.svg").read_bytes())
    ranking, lossless = ((report / "tables" / f"{it}.md").read_text() for it in ("ranking", "lossless"))
    return "\n\n".join(
        [
            f"# Results on {name}",
            f"{what}, against JPEG (libjpeg-turbo, 4:2:0, standard tables). How speeds were taken stands in"
            f" each row. Everything behind it is in the folder `results/{run}` of the repository;"
            " [A leaderboard](howto/leaderboard.md) says how such a folder is made.",
            f"![Rate–distortion curves on {name}](figures/{run}.svg)",
            ranking.replace("### ", "## ", 1),
            lossless.replace("### ", "## ", 1),
        ]
    )


main()
