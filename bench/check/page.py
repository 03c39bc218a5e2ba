"""A verdict as one HTML file without scripts: what differs, and crops of the images that got worse."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable, Sequence

from bench.check.baseline import Snapshot
from bench.check.exhibits import Exhibit, measures
from bench.check.text import common_cause, findings_table, headline, remarks, speeds_table
from bench.check.verdict import Verdict
from bench.codec import Image
from bench.losses.pictures import SIDE, Made
from bench.text.plain import harmless
from bench.web.document import document, shared


def as_page(verdict: Verdict, shown: Sequence[Exhibit] = (), results: Snapshot | None = None) -> str:
    """The page.

    Parameters
    ----------
    shown : images to show, the worst first
    results : the new state, whose metrics are told of each of them
    """
    parts = {
        "outcome": verdict.outcome if not any(it.fails for it in verdict.findings) else "regression",
        "headline": _text(f"Codec regression check: {headline(verdict)}"),
        "remarks": "".join(_paragraph(it) for it in (common_cause(verdict), *remarks(verdict)) if it),
        "findings": _table("What differs, worst first", findings_table(verdict)),
        "speeds": _table("Speed", speeds_table(verdict)),
        "exhibits": "" if results is None else _exhibits(shown, results),
    }
    return document(
        ("bench.check", "page.html"),
        f"Codec regression check: {verdict.outcome}",
        styles=[*shared("base.css"), ("bench.check", "page.css")],
        parts=parts,
    )


def _text(text: str) -> str:
    return html.escape(harmless(text.replace("\n", " ")))


def _paragraph(text: str, kind: str = "") -> str:
    return f'<p class="{kind}">{_text(text)}</p>' if kind else f"<p>{_text(text)}</p>"


def _table(title: str, rows: Sequence[Sequence[str]]) -> str:
    """A table with its titles first; nothing where there is nothing else."""
    if len(rows) < 2:
        return ""
    head = "".join(f'<th scope="col">{_text(it)}</th>' for it in rows[0])
    body = "".join(_row(it) for it in rows[1:])
    return (
        f'<h2>{_text(title)}</h2><div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _row(cells: Sequence[str]) -> str:
    kind = "fails" if cells[0].isupper() else "improved" if cells[0] == "improved" else "other"
    return f'<tr class="{kind}">{"".join(f"<td>{_text(it)}</td>" for it in cells)}</tr>'


def _exhibits(shown: Sequence[Exhibit], results: Snapshot) -> str:
    if not shown:
        return ""
    grew = all(it.has_both for it in shown)
    where = "grew most" if grew else "grew most, or is largest in the one picture that there is"
    note = (
        f"Crops of at most {SIDE}×{SIDE} pixels, placed where the error map (SSIM) {where}."
        " Numbers are those of the whole picture."
    )
    why = dict.fromkeys(made for it in shown if not it.has_any for made in (it.old, it.new))
    absent = [_absent(made) for made in why if isinstance(made, str)]
    parts = [_paragraph(note, "note") if any(it.has_any for it in shown) else "", *absent]
    return "<h2>Where it got worse</h2>" + "".join([*parts, *(_exhibit(it, results) for it in shown)])


def _exhibit(exhibit: Exhibit, results: Snapshot) -> str:
    label, image, quality = exhibit.key
    point = "" if quality is None else f", quality {quality:g}"
    left, top = exhibit.place
    sides = (("original", exhibit.original), ("before", exhibit.old), ("now", exhibit.new))
    if exhibit.has_any:
        figures = "".join(_figure(name, made, f"{image}, {name}") for name, made in sides)
        crops, at = f'<div class="crops">{figures}</div>', f"at ({left}, {top})"
    else:
        crops = at = ""  # an original alone shows nothing
    rows = [_numbers(*it) for it in measures(exhibit, results)]
    titles = "".join(f'<th scope="col" class="number">{it}</th>' for it in ("before", "now", "change"))
    return (
        f"<section><h3>{_text(f'{label}{point}: {image}')}</h3>"
        f'{crops}<table><thead><tr><th scope="col">{at}</th>{titles}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></section>"
    )


def _numbers(name: str, before: float | None, after: float | None) -> str:
    change = "" if before is None or after is None else _number(after - before, "+")
    cells: Iterable[str] = (_number(before), _number(after), change)
    return f"<tr><td>{_text(name)}</td>" + "".join(f'<td class="number">{it}</td>' for it in cells) + "</tr>"


def _number(value: float | None, sign: str = "") -> str:
    if value is None:
        return "–"
    text = f"{value:{sign}d}" if isinstance(value, int) else f"{value:{sign}.4f}"
    return text.replace("-", "−")


def _figure(name: str, made: Made, description: str) -> str:
    if isinstance(made, str):
        shown = _absent(made)
    else:
        shown = f'<img src="{_data_url(made)}" width="{SIDE}" alt="{_text(description)}">'
    return f"<figure>{shown}<figcaption>{name}</figcaption></figure>"


def _absent(reason: str) -> str:
    return _paragraph(f"No picture: {reason}.", "absent")


def _data_url(pixels: Image) -> str:
    import PIL.Image as pillow

    buffer = io.BytesIO()
    pillow.fromarray(pixels).save(buffer, "WEBP", lossless=True, method=4)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
