"""What ``board.yaml`` names and no entry has: a slip of the pen, or something that is still to come."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from bench.boards.board import Board
from bench.errors import suggestion
from bench.files.typed_yaml import Key, place_of


def unknown_names(board: Board) -> Iterator[str]:
    """A line ``file:line: key: …`` for each metric and data set that no entry has.

    Parameters
    ----------
    board : with or without a file
    """
    if board.document is None:
        return
    infos = [it.info for it in board.entries]
    metrics = {metric.name: metric for it in infos for metric in it.metrics}
    datasets = dict.fromkeys(image.dataset for it in infos for image in it.images)
    sets: list[tuple[Key, Collection[str]]] = [(("datasets",), board.file.datasets)]
    sets += [(("conditions", name, "datasets"), it.datasets) for name, it in board.file.conditions.items()]
    if "metrics" in board.file.model_fields_set:
        for index, name in enumerate(board.file.metrics):
            if name not in metrics:
                problem = f"no entry has the metric {name!r}{suggestion(name, metrics)}"
            elif metrics[name].ideal is not None:
                problem = f"{name!r} can't rank: it is worse on both sides of its best value"
            else:
                continue
            yield f"{place_of(board.document, ('metrics', index))}: {problem}"
    for key, names in sets:
        for index, name in enumerate(names):
            if name not in datasets:
                problem = f"no entry has the data set {name!r}{suggestion(name, datasets)}"
                yield f"{place_of(board.document, (*key, index))}: {problem}"
