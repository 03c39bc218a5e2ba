"""A verification as text: for a terminal, as Markdown for pull requests, as GitHub's annotations."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bench.tables.table import Column, Table, Value, to_markdown, to_text
from bench.tables.terminal import wrapped
from bench.text.escape import markdown, workflow_command
from bench.text.plain import harmless, some_of
from bench.verifying.record import (
    CONTRADICTED,
    NOT_KEPT,
    VERDICTS,
    RowVerdict,
    Verification,
    VerifiedRow,
    as_json,
)

_TITLES: dict[RowVerdict, str] = {
    "verified": "verified",
    "decodes, numbers differ": "numbers differ",
    "decodes elsewhere differently": "decodes differently",
    "does not decode": "does not decode",
    "not checked": "not checked",
}
_MOST_NAMED = 20
"""Most rows that are named; the file has all of them."""
_LABELS = 3
"""Most codecs that are named as not checked for one reason."""
_ANNOTATIONS = 10
"""Of a level and step, which is all that GitHub shows."""

AGAIN = (
    "A record that does not hold was edited or damaged, was made by another codec than it names, or its"
    " codec misses something here, such as a file that it reads: the rows tell. Have it measured again,"
    " `rdbench run … --fresh --keep-bitstreams`, and verify that."
)
ELSEWHERE = (
    "A bitstream that gives other pixels here is of a codec that depends on the machine, its libraries or its"
    " threads: name these beside its results, or have a decoder that does not."
)
KEEP = (
    "`rdbench run … --keep-bitstreams` keeps bitstreams; those that an entry of a board has elsewhere are"
    " brought by `rdbench submit --check --fetch ENTRY`; without them `--sample 100%` encodes all again."
)
UNCHECKED = "What is not checked is nobody's word but the record's."


def as_text(found: Verification, width: int | None = None) -> str:
    """How many rows have each verdict, which of them are not verified and why, and what to do.

    Parameters
    ----------
    found : what :func:`bench.verifying.verify.verify` gave
    width : columns of the terminal; None for no limit
    """
    parts = [_wrapped([headline(found)], width), to_text(counts_table(found), width).rstrip()]
    if rows := [f"{name}: {text}" for name, text in named(found)]:
        parts.append(_wrapped(rows, width))
    parts += [_wrapped([it], width) for it in remarks(found)]
    return "\n\n".join(parts) + "\n"


def as_markdown(found: Verification) -> str:
    """:func:`as_text` as GitHub Markdown."""
    mark = {"error": "❌", "warning": "⚠️"}.get(level(found), "✅")
    parts = [f"### {mark} Verification: {markdown(headline(found))}"]
    parts.append(to_markdown(counts_table(found)).split("\n", 2)[2].rstrip())
    parts += ["\n".join(f"- **{markdown(name)}**: {markdown(text)}" for name, text in named(found))]
    parts += [markdown(it) if it in found.notes else it for it in remarks(found)]
    return "\n\n".join(filter(None, parts)) + "\n"


def as_github(found: Verification) -> str:
    """The headline as an annotation, then the rows that are not verified; those beyond ten are counted."""
    lines = [workflow_command(level(found), "rdbench verify", "\n".join((headline(found), *remarks(found))))]
    rows = [*named(found, most=len(found.rows))]
    lines += [workflow_command(level(found), name, text) for name, text in rows[:_ANNOTATIONS]]
    if more := rows[_ANNOTATIONS:]:
        lines.append(f"and {len(more)} more, which verification.json lists")
    return "\n".join(lines) + "\n"


FORMATS: dict[str, Callable[[Verification], str]] = {
    "text": as_text,
    "markdown": as_markdown,
    "json": as_json,
    "github": as_github,
}


def level(found: Verification) -> str:
    """How bad it is: ``error``, ``warning`` or ``notice``."""
    if found.contradicted:
        return "error"
    return "notice" if found.whole and not found.suspicions else "warning"


def headline(found: Verification) -> str:
    """One line: how much of what the record claims is verified, and how."""
    claimed = sum(it.claimed for it in found.rows)
    planned = "" if claimed == len(found.rows) else f", of {len(found.rows)} planned trials"
    verified = sum(it.verdict == "verified" for it in found.rows)
    again = sum(it.encoded_again for it in found.rows)
    against = f", {len(found.contradicted)} contradicted" if found.contradicted else ""
    how = "sealed" if found.sealed else "sealed: no"
    encoded = f"{again} encoded again with seed {found.seed}" if again else "none encoded again"
    return f"{verified} of {claimed} results verified{planned}{against} ({how}, {encoded})"


def counts_table(found: Verification) -> Table:
    """How many rows of each codec have each verdict."""
    shown = [it for it in VERDICTS if it == "verified" or any(row.verdict == it for row in found.rows)]
    columns = (Column("label", "codec"), *(Column(it.replace(" ", "_"), _TITLES[it]) for it in shown))
    rows: tuple[tuple[Value, ...], ...] = tuple(
        (label, *(counts[it] for it in shown)) for label, counts in found.counts().items()
    )
    return Table("verification", "Rows by verdict", columns, rows)


def named(found: Verification, most: int = _MOST_NAMED) -> Iterator[tuple[str, str]]:
    """A name and a sentence for each row that the record does not hold of, then for what is not checked.

    Parameters
    ----------
    found : the verification
    most : rows to name; the others are counted
    """
    for row in found.contradicted[:most]:
        yield row.where, _sentence(row)
    if len(found.contradicted) > most:
        yield "and more", f"{len(found.contradicted) - most} further rows, which verification.json lists"
    unchecked: dict[str, list[VerifiedRow]] = {}
    for row in found.rows:
        if row.verdict == "not checked":
            unchecked.setdefault(row.detail, []).append(row)
    for detail, rows in unchecked.items():
        count = "1 row" if len(rows) == 1 else f"{len(rows)} rows"
        labels = some_of([*dict.fromkeys(it.label for it in rows)], _LABELS)
        yield labels, f"{count} not checked: {detail}"
    for flag in found.flags:
        yield flag.label, ": ".join(filter(None, (flag.flag, flag.detail)))


def _sentence(row: VerifiedRow) -> str:
    levels = "" if row.levels is None else f", by up to {row.levels} levels"
    detail = f": {row.detail}" if row.detail else ""
    return f"{row.verdict}{levels}{detail}"


def remarks(found: Verification) -> Iterator[str]:
    """What else a reader should know, and what to do."""
    yield from found.notes
    if not found.sealed:
        yield (
            "sealed: no. This system can't shut codecs in, so that a decoder could see the machine's files,"
            " the originals among them; verify on Linux 5.13 or later."
        )
    verdicts = {it.verdict for it in found.rows if it.claimed}
    if verdicts & (CONTRADICTED - {"decodes elsewhere differently"}):
        yield AGAIN
    if "decodes elsewhere differently" in verdicts:
        yield ELSEWHERE
    if "not checked" in verdicts:
        yield UNCHECKED
    if any(it.detail == NOT_KEPT for it in found.rows):
        yield KEEP


def _wrapped(lines: list[str], width: int | None) -> str:
    return "\n".join(part for line in lines for part in wrapped(harmless(line), width, "  "))
