"""The limits of the regression gate: the key ``gate`` of a suite file, for all codecs or for one."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from bench.files.problems import problems_in_python


def _number(value: Any) -> Any:
    """A number, or None for ``off`` (which YAML reads as false)."""
    if value is None or value is False or value == "off":
        return None
    if value is True:
        raise ValueError("write a number, or off")
    return value


def _percent(value: Any) -> Any:
    if isinstance(value, str) and value.strip().endswith("%"):
        return value.strip()[:-1]
    return _number(value)


def _ratio(value: Any) -> Any:
    """``"10%"`` is the ratio 1.10."""
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            return 1 + float(value.strip()[:-1]) / 100
        except ValueError:
            return value
    return _number(value)


_Limit = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Percent = Annotated[_Limit | None, BeforeValidator(_percent)]
Amount = Annotated[_Limit | None, BeforeValidator(_number)]
Ratio = Annotated[Annotated[float, Field(ge=1, allow_inf_nan=False)] | None, BeforeValidator(_ratio)]


def _each(value: Any) -> Any:
    return value if isinstance(value, dict) else {"*": value}


class Gate(BaseModel):
    """Limits of the regression gate. ``off`` turns a limit off; 0 lets nothing pass that is worse."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    max_bytes: Percent = 0.0
    """Growth of any single bitstream, in percent."""
    max_psnr_drop: Amount = 0.0
    """Loss of any PSNR metric on any single image, in dB."""
    max_drop: dict[str, Amount] = {}
    """Loss by metric on any single image, in the metric's unit; ``"*"`` stands for all others. For a metric
    with an ideal value, the loss is how far it moved away from that."""
    max_bd_rate: Annotated[dict[str, Percent], BeforeValidator(_each)] = {"*": 0.1}
    """BD-rate of the new curve against the old one, in percent: one number, or one for each metric."""
    max_slowdown: Ratio = 1.10
    """Ratio of new time to old time."""
    environment: Literal["fail", "warn"] = "fail"
    """What to do about results that are worse in a changed environment."""
    inconclusive: Literal["fail", "warn"] = "warn"
    """What to do where nothing can be concluded: times that vary too much, a BD-rate that does not exist."""
    own_library: bool = False
    """Whether the library in the codec's version is under test as well, so that its change is no excuse."""

    def drop(self, metric: str, unit: str) -> float | None:
        """The loss of a metric that passes, in its unit; None if it is not limited."""
        if metric in self.max_drop:
            return self.max_drop[metric]
        if unit == "dB":
            return self.max_psnr_drop
        return self.max_drop.get("*", 0.0)

    def bd_rate(self, metric: str) -> float | None:
        """The BD-rate that passes, in percent; None if it is not limited."""
        return self.max_bd_rate.get(metric, self.max_bd_rate.get("*"))

    def refined(self, by: Gate | None) -> Gate:
        """These limits, with the ones that ``by`` states in their place."""
        return (
            self
            if by is None
            else self.model_copy(update={it: getattr(by, it) for it in by.model_fields_set})
        )


def gate_of(**limits: Any) -> Gate:
    """Limits from keywords, which are the fields of :class:`Gate`.

    Raises
    ------
    ConfigError
        There is no such limit, or its value is invalid.
    """
    try:
        return Gate.model_validate(limits)
    except ValidationError as error:
        raise problems_in_python(error, Gate) from error
