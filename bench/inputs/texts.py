"""Texts that people write into files about their codecs: one line, or an address that a page may link."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from bench.text.plain import is_one_line

_ADDRESS = re.compile(r"https?://[^\s<>\"']+\Z")


def _one_line(text: str) -> str:
    if not is_one_line(text) or not text.strip():
        raise ValueError("one line without control characters is needed")
    return text


def _address(text: str) -> str:
    if not _ADDRESS.match(text) or not text.isprintable():
        raise ValueError("an address begins with https:// or http:// and has no blanks or quotes")
    return text


Line = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_one_line)]
Address = Annotated[str, Field(max_length=1000), AfterValidator(_address)]
