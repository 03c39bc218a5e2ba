"""The style file around a figure, and its way into PNG, SVG and PDF.

Only matplotlib's object-oriented interface is used: no pyplot, no current figure, no window.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from bench.errors import ConfigError
from bench.files.access import write_atomically

if TYPE_CHECKING:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

Format = Literal["png", "svg", "pdf"]
FORMATS: tuple[Format, ...] = get_args(Format)
"""What figures are written as, by file ending."""

_PNG_LEVEL = 3
"""Of zlib: files are as small as with its usual 6, in two thirds of the time."""
STYLE = Path(__file__).with_name("rdbench.mplstyle")

_DEFAULTS: dict[str, Any] = {
    # TrueType fonts in PDF: publishers refuse matplotlib's default, Type 3. Words in SVG are outlines.
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
}
_FIXED: dict[str, Any] = {
    # A label is text: `$` and `_` in it mean themselves.
    "text.parse_math": False,
    "text.usetex": False,
    "axes.formatter.use_mathtext": False,
    # Random identifiers would make every SVG differ from the last one.
    "svg.hashsalt": "rdbench",
    # Hinted letters have other widths at other resolutions, and the layout is made for all formats at once.
    "text.hinting": "none",
    # The promised widths are those of the whole picture.
    "savefig.bbox": "standard",
}


@contextmanager
def styled(style: Path | None = None) -> Iterator[None]:
    """matplotlib's settings inside the block: its own defaults, then ``style`` or the style of this package.

    The user's matplotlibrc plays no part, so that figures look the same everywhere.

    Parameters
    ----------
    style : a matplotlib style file

    Raises
    ------
    ConfigError
        The style file is absent or gives a setting a value that matplotlib refuses.
    """
    import matplotlib

    path = style or STYLE
    try:
        chosen = matplotlib.rc_params_from_file(path, fail_on_error=True, use_default_template=False)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (KeyError, ValueError) as error:
        raise ConfigError(f"{path}: no matplotlib style file ({error})") from error
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_DEFAULTS)
        matplotlib.rcParams.update({key: chosen[key] for key in chosen if key != "backend"})
        matplotlib.rcParams.update(_FIXED)
        yield


def save(figure: Figure, folder: Path, name: str, formats: Sequence[Format] = FORMATS) -> list[Path]:
    """Write a figure to a file of each format; call it inside :func:`styled`, as formats have settings too.

    Parameters
    ----------
    folder : made where it is absent
    name : of the files, without ending
    formats : of :data:`FORMATS`
    """
    from bench.plotting.canvas import settle

    settle(figure)
    files = [folder / f"{name}.{ending}" for ending in formats]
    for file, content in zip(files, _all_rendered(figure, formats), strict=True):
        write_atomically(file, content)
    return files


def _all_rendered(figure: Figure, formats: Sequence[Format]) -> list[bytes]:
    """The files of a figure that is laid out, of which most is drawn only once."""
    from bench.plotting.recording import RecordingCanvas

    if "png" not in formats or len(formats) < 2:
        return [rendered(figure, it) for it in formats]
    canvas = RecordingCanvas(figure)
    files = {"png": _png(canvas)}
    same = canvas.recorded() or figure
    return [files.get(it) or rendered(same, it) for it in formats]


def rendered(figure: Figure, form: Format) -> bytes:
    """The file of a figure that is laid out; call it inside :func:`styled`.

    No dates and no versions are in it: the same numbers give the same bytes.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_pdf import FigureCanvasPdf
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    # Figure.savefig draws everything twice, the first time for a layout that is settled already.
    file = io.BytesIO()
    if form == "png":
        return _png(FigureCanvasAgg(figure))
    if form == "svg":
        FigureCanvasSVG(figure).print_svg(file, metadata={"Date": None, "Creator": None})
    else:
        nameless = {"CreationDate": None, "Creator": None, "Producer": None}
        with _fonts_without_features():
            FigureCanvasPdf(figure).print_pdf(file, metadata=nameless)
    return file.getvalue()


@contextmanager
def _fonts_without_features() -> Iterator[None]:
    """Embed fonts without tables of ligatures and kerning, which no viewer of PDF reads.

    To cut these down to the letters that are used takes longer than to cut down the letters.
    """
    from fontTools.subset import Options

    usual = Options._drop_tables_default
    Options._drop_tables_default = [*usual, "GSUB", "GPOS", "GDEF", "kern"]
    try:
        yield
    finally:
        Options._drop_tables_default = usual


def _png(canvas: FigureCanvasAgg) -> bytes:
    file = io.BytesIO()
    canvas.print_png(file, metadata={"Software": None}, pil_kwargs={"compress_level": _PNG_LEVEL})
    return file.getvalue()
