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
    from matplotlib.figure import Figure

Format = Literal["png", "svg", "pdf"]
FORMATS: tuple[Format, ...] = get_args(Format)
"""What figures are written as, by file ending."""

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
    # Figure.savefig draws everything twice, the first time for a layout that is settled already.
    drawn = [rendered(figure, ending) for ending in formats]
    for file, content in zip(files, drawn, strict=True):
        write_atomically(file, content)
    return files


def rendered(figure: Figure, form: Format) -> bytes:
    """The file of a figure that is laid out; call it inside :func:`styled`.

    No dates and no versions are in it: the same numbers give the same bytes.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_pdf import FigureCanvasPdf
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    file = io.BytesIO()
    if form == "png":
        FigureCanvasAgg(figure).print_png(file, metadata={"Software": None})
    elif form == "svg":
        FigureCanvasSVG(figure).print_svg(file, metadata={"Date": None, "Creator": None})
    else:
        nameless = {"CreationDate": None, "Creator": None, "Producer": None}
        FigureCanvasPdf(figure).print_pdf(file, metadata=nameless)
    return file.getvalue()
