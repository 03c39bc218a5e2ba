"""Foreign text (labels, names, messages, reasons) as plain text in each output format.

HTML and the page's data are escaped in :mod:`bench.report.page`, XML by the standard library.
"""

from __future__ import annotations

import re
from typing import TypeVar

from bench.text.plain import harmless, printable

T = TypeVar("T")

_MARKUP = re.compile(r"[\\`*|<>]|(?<!\w)_|_(?!\w)|\](?=[(\[:])")
"""Only the brackets that make a link and the underscores that make emphasis, so that text stays readable."""
_MAY_BE_MARKUP = frozenset("\\`*|<>_]$")
"""Without one of these a text is the same in Markdown, as numbers are."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""All control characters except tabs and line ends."""
_FORMULA = ("=", "+", "-", "@", "\t")
_GREEK = (
    "alpha|beta|gamma|delta|epsilon|eta|theta|kappa|lambda|mu|nu|pi|rho|sigma|tau|phi|chi|psi|omega"
    "|Gamma|Delta|Theta|Lambda|Sigma|Phi|Omega"
)
_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        **{it: "\\" + it for it in "&%$#_{}"},
        # which the usual encoding of fonts, OT1, has other letters for
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "−": "$-$",
        "–": "--",
        "±": r"$\pm$",
        "×": r"$\times$",
        "≤": r"$\leq$",
        "≥": r"$\geq$",
        "≈": r"$\approx$",
        "↑": r"$\uparrow$",
        "↓": r"$\downarrow$",
        **{
            letter: rf"$\{name}$"
            for letter, name in zip("αβγδεηθκλμνπρστφχψωΓΔΘΛΣΦΩ", _GREEK.split("|"), strict=True)
        },
        "\N{REPLACEMENT CHARACTER}": "?",
    }
)
"""What LaTeX would take for a command, and what its usual fonts have only in mathematics."""


_SYMBOLS = f"{_GREEK}|times|cdot|pm|leq|geq|neq|approx|infty|ell|log|exp|min|max"
_SYMBOL = rf"\\(?:{_SYMBOLS})(?![A-Za-z])"
_STYLED = r"\\(?:mathrm|mathbf|mathcal|hat|bar|tilde)\{[A-Za-z0-9 ]+\}"
_SCRIPT = rf"(?:[A-Za-z0-9*]|{_SYMBOL}|\{{[A-Za-z0-9 *,.+\-]+\}})"
_ATOM = rf"(?:[A-Za-z0-9]|{_SYMBOL}|{_STYLED})(?:_{_SCRIPT}(?:\^{_SCRIPT})?|\^{_SCRIPT}(?:_{_SCRIPT})?)?"
_MATH = re.compile(rf"((?<!\\)\$(?! )(?:{_ATOM}|[ =+\-.,()<>/|]){{1,60}}(?<! )\$(?![0-9]))")
"""Symbols, letters, numbers, signs, accents, and one level of scripts: mathematics that can do nothing but be
typeset. A dollar after a backslash opens none, since matplotlib takes it for a mere dollar."""
_MATH_IN_MARKDOWN = str.maketrans({"<": r"\lt{}", ">": r"\gt{}", "|": r"\vert{}"})
"""What would be a tag, or the end of a table's cell, before it is mathematics."""


def markdown(text: str) -> str:
    """One line of GitHub Markdown that displays ``text``, with all markup, HTML, links and images escaped.

    Simple mathematics between dollars stays mathematics.
    """
    text = printable(text)
    if _MAY_BE_MARKUP.isdisjoint(text):
        return text
    return "".join(
        part.translate(_MATH_IN_MARKDOWN) if place % 2 else _MARKUP.sub(r"\\\g<0>", part)
        for place, part in enumerate(_MATH.split(text))
    )


def latex(text: str) -> str:
    """One line of LaTeX that displays ``text``, with all commands escaped except in simple mathematics."""
    parts = _MATH.split(printable(text))
    return "".join(part if place % 2 else part.translate(_LATEX) for place, part in enumerate(parts))


def units(text: str) -> list[str]:
    """The characters of ``text``, where mathematics between dollars counts as one."""
    parts = enumerate(_MATH.split(text))
    return [unit for place, part in parts for unit in ([part] if place % 2 else part)]


def is_math(text: str) -> bool:
    r"""Whether ``text`` has simple mathematics between dollars (``$\lambda=0.1$``), and no other dollar."""
    parts = _MATH.split(text)
    return len(parts) > 1 and not any("$" in part for part in parts[::2])


def comment(text: str) -> str:
    """``text`` on one line, for a comment that ends with the line."""
    return printable(text)


def csv_cell(value: T) -> T | str:
    """A cell that no spreadsheet interprets as a formula.

    Text that begins like a formula gets a leading apostrophe, which :func:`from_csv_cell` removes. Numbers
    are left unchanged, even as text. Control characters are replaced, since a table may be printed.
    """
    if not isinstance(value, str):
        return value
    if _CONTROL.search(value):
        return csv_cell(_CONTROL.sub("\N{REPLACEMENT CHARACTER}", value))
    return "'" + value if value.startswith(_FORMULA) and not _is_number(value) else value


def from_csv_cell(cell: str) -> str:
    """Undo :func:`csv_cell`."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def terminal(text: str) -> str:
    """``text`` for a terminal, without control sequences; line ends are kept."""
    return "\n".join(harmless(line.expandtabs(4)) for line in text.split("\n"))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def workflow_command(level: str, title: str, message: str) -> str:
    """An annotation as GitHub reads it from the output of a step.

    Parameters
    ----------
    level : ``error``, ``warning`` or ``notice``
    title : one line
    message : one line or several
    """

    def escaped(text: str) -> str:
        lines = "\n".join(map(harmless, text.split("\n")))
        return lines.replace("%", "%25").replace("\n", "%0A")

    name = escaped(title).replace(":", "%3A").replace(",", "%2C")
    return f"::{level} title={name}::{escaped(message)}"
