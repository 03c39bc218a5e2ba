"""The style file around a figure, and its way into PNG, SVG and PDF.

Only matplotlib's object-oriented interface is used: no pyplot, no current figure, no window.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import ConfigError
from bench.files.access import write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLE = Path(__file__).with_name("rdbench.mplstyle")
FORMATS = ("png", "svg", "pdf")
"""What figures are written as, by file ending."""

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


def save(figure: Figure, folder: Path, name: str, formats: Sequence[str] = FORMATS) -> list[Path]:
    """Write a figure to a file of each format; call it inside :func:`styled`, as formats have settings too.

    No dates and no versions are in the files: the same numbers give the same bytes.

    Parameters
    ----------
    folder : made where it is absent
    name : of the files, without ending
    formats : of :data:`FORMATS`
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_pdf import FigureCanvasPdf
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    from bench.plotting.canvas import settle

    settle(figure)
    undated = {"CreationDate": None, "Creator": None, "Producer": None}
    # Figure.savefig draws everything twice, the first time for a layout that is settled already.
    writers: dict[str, Callable[[io.BytesIO], None]] = {
        "png": lambda file: FigureCanvasAgg(figure).print_png(file, metadata={"Software": None}),
        "svg": lambda file: FigureCanvasSVG(figure).print_svg(file, metadata={"Date": None, "Creator": None}),
        "pdf": lambda file: FigureCanvasPdf(figure).print_pdf(file, metadata=undated),
    }
    files = []
    for ending in formats:
        drawn = io.BytesIO()
        writers[ending](drawn)
        files.append(folder / f"{name}.{ending}")
        write_atomically(files[-1], drawn.getvalue())
    return files
