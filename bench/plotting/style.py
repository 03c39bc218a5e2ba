"""The style file around a figure, and its way into PNG, SVG and PDF.

Only matplotlib's object-oriented interface is used: no pyplot, no current figure, no window.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import ConfigError
from bench.files.access import write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write a figure as PNG, SVG and PDF; call it inside :func:`styled`, as the formats have settings too.

    No dates and no versions are in the files: the same numbers give the same bytes.

    Parameters
    ----------
    folder : made where it is absent
    name : of the files, without ending
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_pdf import FigureCanvasPdf
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    from bench.plotting.canvas import settle

    settle(figure)
    files = [folder / f"{name}.{ending}" for ending in ("png", "svg", "pdf")]
    png, svg, pdf = io.BytesIO(), io.BytesIO(), io.BytesIO()
    # Figure.savefig draws everything twice, the first time for a layout that is settled already.
    FigureCanvasAgg(figure).print_png(png, metadata={"Software": None})
    FigureCanvasSVG(figure).print_svg(svg, metadata={"Date": None, "Creator": None})
    FigureCanvasPdf(figure).print_pdf(pdf, metadata={"CreationDate": None, "Creator": None, "Producer": None})
    for file, drawn in zip(files, (png, svg, pdf), strict=True):
        write_atomically(file, drawn.getvalue())
    return files
