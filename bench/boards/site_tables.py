"""The tables of a board as files, for who reads them by program."""

from __future__ import annotations

from bench.boards.board import Board
from bench.boards.results import BoardResults, SetResults
from bench.boards.verified import is_verified, state_of
from bench.tables.table import Column, Table, Value


def set_table(of: SetResults, board: Board, results: BoardResults) -> Table:
    """All rows of one data set."""
    columns = [*_NAMES, Column("lossless", "lossless")]
    for it in (of_metric.measure for of_metric in of.metrics):
        columns += [Column(f"bd_rate_{it.name}", f"BD-rate {it.title} %", 2, "low", signed=True)]
        columns += [
            Column(f"{end}_{it.name}", f"{end} {it.title}", 2, signed=True) for end in ("low", "high")
        ]
        columns += [Column(f"{end}_place_{it.name}", f"{end} place {it.title}") for end in ("best", "worst")]
        columns += [Column(f"unranked_{it.name}", f"why it has no place by {it.title}")]
    columns += [Column(name, name, 4) for name in ("bpp", "lowest_bpp", "highest_bpp")]
    columns += [Column(name, name, 4) for name in ("encode_mps", "decode_mps", "decode_peak_mb")]
    columns.append(Column("timing", "timing"))
    rows = []
    for row in results.rows:
        facts = of.entries.get(row.key)
        if facts is None:
            continue
        cells: list[Value] = [*_named(row.entry, row.label, board), "yes" if facts.lossless else "no"]
        for of_metric in of.metrics:
            bd, standing = of_metric.bd.get(row.key), of_metric.standings.get(row.key)
            low, high = (bd.per_image.ci95 if bd else None) or (None, None)
            value = 0.0 if row.key == of.anchor else bd.per_image.value if bd else None
            places = (None, None) if standing is None else (standing.best, standing.worst)
            cells += [value, low, high, *places, of_metric.unranked.get(row.key)]
        cells += [of.lossless_bpp.get(row.key), *(of.range_of_rates(row.key) or (None, None))]
        cells += [facts.encode_mps, facts.decode_mps, facts.decode_peak_mb, facts.timing or None]
        rows.append(tuple(cells))
    return Table(f"set-{of.dataset}", f"Results on {of.dataset}", tuple(columns), tuple(rows))


def overall_table(board: Board, results: BoardResults) -> Table:
    """All rows of lossy codecs over all data sets, those without a place too."""
    columns = list(_NAMES)
    for metric in results.overall:
        columns += [Column(f"sets_{metric}", "sets"), Column(f"mean_rank_{metric}", "mean rank", 2)]
        columns += [Column(f"{it}_{metric}", it, 2) for it in ("best_rank", "worst_rank")]
        columns += [Column(f"{it}_{metric}", it, 2, signed=True) for it in ("mean_bd_rate", "low", "high")]
        columns.append(Column(f"unranked_{metric}", "why it has no place"))
    rows = []
    for row in results.rows:
        found = [by_key.get(row.key) for by_key in results.overall.values()]
        if not any(found):
            continue
        cells: list[Value] = list(_named(row.entry, row.label, board))
        for it in found:
            if it is None:
                cells += [None] * 8
            else:
                numbers = (it.sets, it.rank, it.best, it.worst, it.bd, *(it.ci95 or (None, None)))
                cells += [*numbers, it.unranked or None]
        rows.append(tuple(cells))
    return Table("overall", board.file.title, tuple(columns), tuple(rows))


_NAMES = (
    Column("entry", "entry"),
    Column("version", "version"),
    Column("label", "codec"),
    Column("date", "date"),
    Column("licence", "licence"),
    Column("verified", "verified"),
    Column("verification", "verification"),
    Column("paper", "paper"),
    Column("code", "code"),
)


def _named(entry: int, label: str, board: Board) -> tuple[Value, ...]:
    its = board.entries[entry]
    said = its.submission
    verified = "yes" if is_verified(its, label) else "no"
    words = (said.name, said.version, label, said.date.isoformat(), said.licence)
    return *words, verified, state_of(its, label), said.paper, said.code
