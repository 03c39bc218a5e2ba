"""``rdbench budget``."""

from __future__ import annotations

from pathlib import Path

from bench.cli import console
from bench.cli.arguments import one_of
from bench.cli.console import TABLE_FORMATS
from bench.comparing.budget import BudgetRequest, budget_table, plan_budgets, write_budget_suite
from bench.errors import ConfigError
from bench.inputs.suite import parse_numbers


def request_of(
    bpp: str | None, size: str | None, metric: str, pooled: bool, cap: float | None, codecs: list[str]
) -> BudgetRequest:
    """What the options ask for.

    Raises
    ------
    ConfigError
        There is no budget, or it is none.
    """
    if (bpp is None) == (size is None):
        raise ConfigError("give the budget as --bpp or as --bytes")
    rates = parse_numbers(bpp, "--bpp") if bpp is not None else ()
    sizes = parse_numbers(size, "--bytes") if size is not None else ()
    if any(it <= 0 for it in (*rates, *sizes)):
        raise ConfigError("a budget is above 0")
    return BudgetRequest(rates, tuple(map(int, sizes)), metric, pooled, cap, tuple(codecs))


def budget(run: Path, request: BudgetRequest, output: Path | None, format: str) -> None:
    """Print what comes of the budgets, and write the suite."""
    one_of("--format", format, tuple(TABLE_FORMATS))
    plans = plan_budgets(run, request)
    print(TABLE_FORMATS[format](budget_table(plans, request.metric, pooled=request.pooled)), end="")
    if output is not None:
        write_budget_suite(output, run, plans)
        console.note(f"suite of the chosen qualities: {output}")
