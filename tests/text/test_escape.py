"""Labels as plain text in every format, and the simplest mathematics in figures and LaTeX."""

from __future__ import annotations

import pytest

from bench.text.escape import is_math, latex, markdown
from tests.report.made_data import Made, made_data
from tests.report.test_figures import figure


@pytest.mark.parametrize(
    "text",
    [
        r"JPEG $\lambda=0.1$",
        "$x_1$ and $y^{2}$",
        r"$\Delta_{max} \leq 3$",
        r"$\beta$-VAE",
        r"$\ell_\infty$",
        r"$\mathcal{L}_2$, $\hat{x}$",
    ],
)
def test_simple_mathematics_is_typeset(text: str) -> None:
    """Greek letters, signs and scripts between dollars stay as they are in LaTeX; matplotlib reads them."""
    from matplotlib.mathtext import MathTextParser

    assert is_math(text)
    assert latex(text) == text
    MathTextParser("agg").parse(text)


@pytest.mark.parametrize(
    "text",
    [
        r"$\input{/etc/passwd}$",
        "costs $5 to $6",
        "a $b",
        "$x_1_2$",
        r"$\lambda$ $",
        r"$\hat{\input{x}}$",
        f"${'a' * 99}$",
        r"a\$x$",
        r"\$x$ and $5",
    ],
)
def test_other_dollars_are_dollars(text: str) -> None:
    """Commands, prices and what neither would typeset are shown as they are written."""
    assert not is_math(text)
    assert r"\input" not in latex(text)
    assert latex(text).count(r"\$") >= 1


def test_mathematics_holds_no_markup() -> None:
    """Between dollars too, nothing is a tag, or ends the cell of a Markdown table."""
    assert markdown("$<img src=x onerror=alert(1)>$") == r"$\lt{}img src=x onerror=alert(1)\gt{}$"
    assert markdown(r"$a|b$ and $\lambda<1$") == r"$a\vert{}b$ and $\lambda\lt{}1$"


def test_signs_of_text_are_themselves_in_latex() -> None:
    """What the usual fonts have other letters for becomes a command, and what they lack mathematics."""
    assert latex("a<b|c>d") == r"a\textless{}b\textbar{}c\textgreater{}d"
    assert latex("Δ PSNR, λ ≥ 1\0") == r"$\Delta$ PSNR, $\lambda$ $\geq$ 1?"


def test_labels_with_mathematics_are_drawn() -> None:
    """Names at curves, rows and markers say that they hold mathematics; a foreign dollar is drawn as one."""
    made = made_data(
        (
            Made("jpeg", "jpeg"),
            Made(r"q $\lambda=1$", "webp", 0.7),
            Made("$x_1_2$ $", "avif", 0.5),
            Made(r"at \$x$", "jpegxl", 0.4),
        )
    )
    for name in ("rd", "bd_rate", "speed_psnr_rgb"):
        drawn = figure(name, made)
        texts = {it.get_text(): it.get_parse_math() for axes in drawn.axes for it in axes.texts}
        texts |= {it.get_text(): it.get_parse_math() for axes in drawn.axes for it in axes.get_yticklabels()}
        assert texts[r"q $\lambda=1$"]
        assert not texts["$x_1_2$ $"]
        assert not texts[r"at \$x$"]
        drawn.canvas.draw()
