"""What makes a comparison unfair, derived from facts about the compared configurations."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np

from bench.rd import MIN_OVERLAP, Curve, ImageCurves, PairedBd, bd_rate
from bench.rd.bd import fault_of
from bench.text.plain import some_of

Severity: TypeAlias = Literal["warning", "note"]
FEW_IMAGES = 10
"""Number of images below which a comparison gets a note."""
ALLOCATION = 3.0
"""Difference in percentage points between the BD-rate by image and that of the mean curves above which the
difference is explained."""
_NO_SIGN = 1.0
"""Percentage points below which two BD-rates around zero do not count as having different signs."""
_NAMED = 6
"""Most machines, or published curves, that are listed."""
_READABLE = 3
"""Most labels that are listed where "all" would do."""


@dataclass(frozen=True)
class Config:
    """One configuration of a codec in a comparison, with the facts that fairness depends on."""

    label: str
    codec: str
    options: Mapping[str, object] = field(default_factory=dict)
    version: str = ""
    machines: Mapping[str, int] = field(default_factory=dict)
    """Trials by the machine that took their times, which is named by anything that identifies it."""
    timing: Literal["alone", "disturbed", "load"] | None = None
    """Whether times were taken with nothing else running, while other processes used part of the processor,
    or while other trials ran; None where there are no times."""
    n_ok: int = 0
    """Trials that succeeded."""
    n_planned: int = 0
    n_images: int = 0
    curves: tuple[Curve, ...] = ()
    """One mean curve for each metric."""
    overlaps: Mapping[str, float] = field(default_factory=dict)
    """By metric, the mean overlap with the anchor of the images' own ranges of quality, 0 to 1. For a metric
    that is absent, the overlap of the mean curves is used."""


@dataclass(frozen=True)
class Finding:
    """One reason to be careful with a comparison."""

    kind: str
    severity: Severity
    message: str
    labels: tuple[str, ...]
    """The configurations that it is about."""


def fairness_findings(configs: Sequence[Config], anchor: str | None = None) -> tuple[Finding, ...]:
    """Everything questionable about comparing ``configs``, warnings first.

    The kinds are ``subsampling``, ``overlap``, ``non-monotone``, ``few-points``, ``timing``, ``version``,
    ``machine``, ``few-images`` and ``failures``.

    Parameters
    ----------
    configs : what is compared
    anchor : label of the configuration with which the others have to overlap; None checks no overlap
    """
    findings = [
        *_subsampling(configs),
        *_curves(configs, anchor),
        *_environment(configs),
        *_counts(configs),
    ]
    return tuple(sorted(findings, key=lambda finding: finding.severity != "warning"))


@dataclass(frozen=True)
class Allocation:
    """A BD-rate by image and one of mean curves that disagree, and how both codecs divide their bits."""

    anchor: str
    test: str
    metric: str
    by_image: float
    """BD-rate by image, in percent."""
    mean_curve: float
    """BD-rate of the mean curves, in percent."""
    anchor_spread: float
    """Coefficient of variation of bpp over the images at one quality setting (standard deviation ÷ mean): the
    median over the operating points."""
    test_spread: float


def allocation(anchor: ImageCurves, test: ImageCurves, bd: PairedBd) -> Allocation | None:
    """Explain a BD-rate by image and one of mean curves that differ in sign, or by more than ``ALLOCATION``.

    The logarithm of a mean rate exceeds the mean of the logarithms, and the more so the more the rates vary
    (Jensen's inequality). The mean curve therefore costs nothing to a codec that gives every image the same
    rate, and penalises one that gives every image the same quality.

    Parameters
    ----------
    anchor, test : curves of the same images in the same metric
    bd : their comparison

    Returns
    -------
    None where the two agree, and where an image has no BD-rate of its own, since the two are then over
    different images.
    """
    by_image, averaged = bd.per_image.value, bd.mean_curve.value
    if by_image is None or averaged is None or bd.per_image.n < bd.n_images:
        return None
    apart = abs(by_image - averaged)
    if apart <= ALLOCATION and (by_image * averaged >= 0 or apart < _NO_SIGN):
        return None
    spreads = (_spread(anchor), _spread(test))
    return Allocation(anchor.label, test.label, test.metric, by_image, averaged, *spreads)


def allocation_finding(found: Sequence[Allocation]) -> list[Finding]:
    """One note about all comparisons with an anchor whose two BD-rates disagree; nothing without any."""
    labels = tuple(dict.fromkeys(each.test for each in found))
    text = divided_text(found)
    return [Finding("allocation", "note", f"{text}; the ranking goes by image", labels)] if found else []


def divided_text(found: Sequence[Allocation]) -> str:
    """Which comparisons with an anchor have two BD-rates that disagree, and why; empty if there is none."""
    if not found:
        return ""
    by_metric: dict[str, list[str]] = {}
    for each in found:
        by_metric.setdefault(each.metric, []).append(each.test)
    concerned = "; ".join(f"{_join(labels)} in {metric}" for metric, labels in by_metric.items())
    spreads = [each.test_spread for each in found]
    between = "–".join(dict.fromkeys(f"{spread:.0%}" for spread in (min(spreads), max(spreads))))
    others = found[0].test if len({each.test for each in found}) == 1 else "the others"
    return (
        f"BD-rate and that of mean curves differ in sign or by over {ALLOCATION:g} points for {concerned}:"
        f" mean curves also compare how bits are divided among the images (bpp at one setting spreads by"
        f" {found[0].anchor_spread:.0%} for {found[0].anchor}, {between} for {others})"
    )


def _spread(curves: ImageCurves) -> float:
    """The coefficient of variation of bpp over the images: the median over the operating points."""
    mean = curves.rate.mean(axis=0)
    return float(np.median(np.divide(curves.rate.std(axis=0), mean, out=np.zeros_like(mean), where=mean > 0)))


def published_findings(
    published: Sequence[tuple[str, str | None]], dataset: str, images: int
) -> list[Finding]:
    """Published curves that may be of other images than the measured ones.

    Parameters
    ----------
    published : label and data set of each published curve; None where its file does not say
    dataset : name of the data set that was measured
    images : number of its images that were measured
    """
    if not published:
        return []
    from bench.inputs.catalogue import shipped

    findings = []
    silent = tuple(label for label, its in published if its is None)
    if silent:
        text = (
            f"{some_of(silent, _NAMED)}: the file does not say of which pictures the curve is; a BD-rate"
            f" against it means something only if they are those of {dataset}"
        )
        findings.append(Finding("published", "warning", text, silent))
    others = [(label, its) for label, its in published if its not in (None, dataset)]
    if others:
        named = some_of([f"{label} of {its}" for label, its in others], _NAMED)
        text = f"{named}: of other pictures than {dataset}, and left out"
        findings.append(Finding("published", "note", text, tuple(label for label, _ in others)))
    same = tuple(label for label, its in published if its == dataset)
    spec = shipped().get(dataset) if same else None
    if spec is not None and images < len(spec.files):
        text = (
            f"{some_of(same, _NAMED)}: published over all {len(spec.files)} images of {dataset}, and here are"
            f" {images} of them; BD-rates against it compare different pictures"
        )
        findings.append(Finding("published", "warning", text, same))
    return findings


def _subsampling(configs: Sequence[Config]) -> list[Finding]:
    groups: dict[str, list[str]] = defaultdict(list)
    for config in configs:
        value = str(config.options.get("subsampling") or "").replace(":", "")
        if value.isdigit():
            groups[":".join(value)].append(config.label)
    if len(groups) < 2:
        return []
    parts = "; ".join(f"{name} in {_join(labels)}" for name, labels in sorted(groups.items()))
    text = (
        f"chroma subsampling differs ({parts}): RGB metrics favour 4:4:4 at high rates and luma metrics"
        " favour 4:2:0; compare like with like, or say so"
    )
    return [Finding("subsampling", "warning", text, tuple(itertools.chain(*groups.values())))]


def _curves(configs: Sequence[Config], anchor: str | None) -> list[Finding]:
    anchors = {curve.metric: curve for c in configs if c.label == anchor for curve in c.curves}
    findings = []
    short: dict[str, list[tuple[str, str]]] = {}
    for config in configs:
        for curve in config.curves:
            alone = fault_of(curve)
            folds = [text for text in alone.warnings if "non-monotone" in text]
            if folds:
                text = f"{folds[0]} ({curve.metric})"
                findings.append(Finding("non-monotone", "warning", text, (config.label,)))
            elif alone.reason is not None:
                short.setdefault(alone.reason, []).append((config.label, curve.metric))
        if anchor is not None and config.label != anchor:
            findings += _small_overlaps(anchors, anchor, config)
    for reason, its in short.items():
        labels, metrics = (tuple(dict.fromkeys(column)) for column in zip(*its, strict=True))
        text = f"{_names(labels, configs)}: {reason}, no BD-rate in {_join(metrics)}"
        findings.append(Finding("few-points", "note", text, labels))
    return findings


def _small_overlaps(anchors: Mapping[str, Curve], anchor: str, config: Config) -> list[Finding]:
    """At most one finding for a configuration, whatever the number of metrics in which it overlaps little."""
    parts = []
    for curve in config.curves:
        # points have no range to share
        if curve.metric not in anchors or min(len(curve.rate), len(anchors[curve.metric].rate)) < 2:
            continue
        overlap = config.overlaps.get(curve.metric)
        if overlap is None:
            overlap = bd_rate(anchors[curve.metric], curve).overlap
        if overlap < MIN_OVERLAP:
            rounded = f"{overlap:.0%}"
            just = "just under " if rounded == f"{MIN_OVERLAP:.0%}" else ""
            parts.append(f"{just}{rounded} in {curve.metric}")
    if not parts:
        return []
    text = (
        f"{config.label} and {anchor} share little of their quality ranges ({_join(parts)}): BD-rate says"
        " nothing about the rest; measure more operating points"
    )
    return [Finding("overlap", "warning", text, (anchor, config.label))]


def _environment(configs: Sequence[Config]) -> list[Finding]:
    findings = []
    loaded = tuple(config.label for config in configs if config.timing == "load")
    if loaded:
        text = (
            f"times of {_names(loaded, configs)} were taken under load: throughput, not latency; measure with"
            " --timing"
        )
        findings.append(Finding("timing", "warning", text, loaded))
    disturbed = tuple(config.label for config in configs if config.timing == "disturbed")
    if disturbed:
        text = (
            f"times of {_names(disturbed, configs)} are too long: other processes took part of the processor;"
            " measure with --timing again on an idle machine"
        )
        findings.append(Finding("timing", "warning", text, disturbed))
    # Options choose libraries (LZ4 or zstd), so versions are compared within one configuration only.
    by_codec: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for config in configs:
        if config.version:
            same = (config.codec, repr(sorted(config.options.items())))
            by_codec[same][config.version].append(config.label)
    for (codec, _), versions in by_codec.items():
        if len(versions) > 1:
            parts = "; ".join(f"{version} in {_join(labels)}" for version, labels in versions.items())
            labels = tuple(itertools.chain(*versions.values()))
            findings.append(
                Finding("version", "warning", f"{codec} ran in different versions: {parts}", labels)
            )
    return [*findings, *_machines(configs)]


def _machines(configs: Sequence[Config]) -> list[Finding]:
    """Times of different machines: within one configuration, and of one and another."""
    findings = []
    timed = [config for config in configs if config.timing and config.machines]
    shared = [config for config in timed if len(config.machines) > 1]
    if shared:
        trials: Counter[str] = Counter()
        for config in shared:
            trials.update(config.machines)
        counts = some_of([f"{count} trials on {machine}" for machine, count in trials.most_common()], _NAMED)
        labels = tuple(config.label for config in shared)
        text = (
            f"times of {_names(labels, configs)} come from {len(trials)} kinds of machine ({counts}), so"
            " that no speed is given; measure with --timing on one kind of machine"
        )
        findings.append(Finding("machine", "warning", text, labels))
    whole = [config for config in timed if len(config.machines) == 1]
    machines = sorted({machine for config in whole for machine in config.machines})
    if len(machines) > 1:
        text = f"times come from {len(machines)} machines and cannot be compared: {some_of(machines, _NAMED)}"
        findings.append(Finding("machine", "warning", text, tuple(config.label for config in whole)))
    return findings


def _counts(configs: Sequence[Config]) -> list[Finding]:
    findings = []
    few: dict[int, list[str]] = defaultdict(list)
    for config in configs:
        if 0 < config.n_images < FEW_IMAGES:
            few[config.n_images].append(config.label)
        if config.n_ok < config.n_planned:
            text = (
                f"{config.label}: {config.n_ok} of {config.n_planned} trials succeeded; images that failed"
                " anywhere are left out of every compared curve"
            )
            findings.append(Finding("failures", "warning", text, (config.label,)))
    for count, labels in sorted(few.items()):
        noun = "image" if count == 1 else "images"
        concerned = _names(labels, configs)
        text = f"only {count} {noun} behind {concerned}: differences may not carry over to other images"
        findings.append(Finding("few-images", "note", text, tuple(labels)))
    return findings


def _names(labels: Sequence[str], configs: Sequence[Config]) -> str:
    """The labels, or "all configurations" where that is true and there are too many labels to read."""
    everyone = len(labels) == len(configs) > _READABLE
    return f"all {len(configs)} configurations" if everyone else _join(labels)


def _join(names: Sequence[str]) -> str:
    return ", ".join(names)
