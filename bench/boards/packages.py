"""The package that a codec of a run came from."""

from __future__ import annotations

from bench import registry
from bench.runs.store import RunInfo
from bench.trials.plan import CodecPlan


def package_of(plan: CodecPlan, info: RunInfo) -> str | None:
    """``"package 1.2"``, as the run was measured with it where ``run.json`` says so; None for a file.

    Parameters
    ----------
    plan : of a codec
    info : the run
    """
    if registry.is_file_target(plan.target):
        return None
    installed = registry.package_version(plan.target)
    name = installed.rpartition(" ")[0]
    recorded = recorded_versions(name, info)
    return f"{name} {recorded[0]}" if recorded else installed or None


def recorded_versions(package: str, info: RunInfo) -> list[str]:
    """The versions of a package on the machines of a run, as far as ``run.json`` has them.

    Parameters
    ----------
    package : its name
    info : the run
    """
    return [it.software[package] for it in info.environments if package in it.software]
