"""Hostile files by hypothesis: sound examples, of which structure or bytes have been changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from hypothesis import strategies as st

Changed: TypeAlias = st.SearchStrategy[bytes]


@dataclass(frozen=True)
class Files:
    """Sound files, and how they may be changed."""

    sound: Sequence[bytes]
    changed: Changed
    whole: Callable[[bytes], bytes] = bytes
    """What becomes a file, where that is large and only a part of it is changed."""


CANARY = "stranger_module"
"""A module that nobody has; a reader that looks for it obeys the file."""
PRIVATE = "private.txt"
"""A file outside the reader's folder."""


class Raw(str):
    """Text that stands in a JSON document as it is."""


class Pairs(list[tuple[Any, Any]]):
    """A mapping whose keys may come twice."""


_NUMBERS: tuple[Any, ...] = (
    *(0, -1, 1, 2, 0.5, -0.0, True, False, None, 2**31, 2**53 + 1, 2**63, 2**64, -(2**63), 1e308, 5e-324),
    *map(
        Raw, ("NaN", "Infinity", "-Infinity", "1e999", "9" * 400, "9" * 5000, "1" + "0" * 30, "0x10", "1_0")
    ),
)
TEXTS = (
    *("", " ", "\0", "a\nb", "\x1b[2J\x1b]0;x\a", "\x9b2J", "\u202e", "\u2028", "\ud800", "\U0001f600", "é"),
    *(
        "a" * 300,
        "b" * 5000,
        "a/" * 2500,
        "..",
        "../..",
        f"../outside/{PRIVATE}",
        "/dev/zero",
        "~nobody-here/a",
    ),
    *(f"{CANARY}:Codec", f"{CANARY}.part", f"{CANARY}.py:Codec", "os:system", "subprocess:Popen", "__init__"),
    *("<script>alert(1)</script>", "=1+1", "\\input{x}", "${HOME}", "%s%n", "{0}", "{a.__class__}", "[x](y)"),
    *(
        "NaN",
        "1e999",
        "null",
        "true",
        "2001-01-01",
        "0o7",
        "1:30",
        "&a",
        "*a",
        "!!python/name:os.system",
        "- a",
    ),
    *(
        "file:///etc/passwd",
        "https://example.invalid/x",
        "javascript:alert(1)",
        "C:\\x",
        "nul",
        "'",
        '"',
        "#",
        "@",
    ),
    *("wb", "0" * 64, "f" * 64, "png", "jpeg", "1", "-1", "*", "default", "sample"),
)
_NESTED = tuple(
    Raw(opening * levels + "1" + closing * levels)
    for opening, closing in (("[", "]"), ('{"a":', "}"))
    for levels in (5, 25, 600, 60_000)
)
_EMPTY: tuple[Any, ...] = ([], Pairs(), [[]], [None], Pairs([("", 0)]))

_TOKENS = (
    *(
        b"",
        b"\0",
        b"\xff",
        b"\xff\xfe",
        b"\xc3",
        b"\xed\xa0\x80",
        b"\xef\xbb\xbf",
        b"\n",
        b"\r\n",
        b"\x85",
        b"\x1b[2J",
    ),
    *(
        b"[" * 2000,
        b"{" * 2000,
        b'{"a":' * 2000,
        b"- " * 2000,
        b"? " * 500,
        b"]",
        b"}",
        b'"',
        b"\\",
        b",",
        b":",
        b"'",
    ),
    *(
        b"&a ",
        b"*a",
        b"!!python/object/apply:os.system [true]",
        b"!x ",
        b"<<: ",
        b"---\n",
        b"...\n",
        b"%YAML 9.9\n",
    ),
    *(b"9" * 400, b"9" * 5000, b"-", b"e999", b"NaN", b".inf", b"\t", b" " * 5000, b"#", b";", b"|", b">"),
    *(
        b"\x00" * 64,
        b"\xff" * 64,
        b"PK\x03\x04",
        b"\x1f\x8b\x08",
        b"\x80\x04\x95",
        b"cos\nsystem\n(S'x'\ntR.",
    ),
)
_INTEGERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def mutated_bytes(examples: Sequence[bytes]) -> Changed:
    """One of the examples with bytes cut off, changed, put in, taken out, doubled or of another one."""
    return _bytes(tuple(examples))


@st.composite
def _bytes(draw: st.DrawFn, examples: tuple[bytes, ...]) -> bytes:
    data = draw(st.sampled_from(examples))
    for _ in range(draw(st.integers(1, 4))):
        at = _place(draw, len(data))
        length = draw(st.sampled_from((1, 2, 4, 8, 40, 4000)))
        match draw(st.integers(0, 7)):
            case 0:
                data = data[:at]
            case 1:
                data = data[:at] + draw(st.binary(min_size=1, max_size=4)) + data[at + 1 :]
            case 2:
                data = data[:at] + draw(st.sampled_from(_TOKENS)) + data[at:]
            case 3:
                data = data[:at] + data[at + length :]
            case 4:
                data = data[: at + length] + data[at:]
            case 5:
                other = draw(st.sampled_from(examples))
                data = data[:at] + other[_place(draw, len(other)) :]
            case _:
                width = draw(st.sampled_from((1, 2, 4, 8)))
                number = draw(st.sampled_from(_INTEGERS)) & ((1 << 8 * width) - 1)
                order = draw(st.sampled_from(("big", "little")))
                data = data[:at] + number.to_bytes(width, order) + data[at + width :]  # type: ignore[arg-type]
    return data


def _place(draw: st.DrawFn, size: int) -> int:
    """Anywhere; every second time in the first bytes, where headers are."""
    return draw(st.integers(0, min(size, 64) if draw(st.booleans()) else size))


def mutated_json(examples: Sequence[Any]) -> Changed:
    """JSON of one of the documents, some of whose values and keys have been changed."""
    return _document(tuple(map(_as_pairs, examples))).map(_encoded)


def mutated_lines(examples: Sequence[Sequence[Any]]) -> Changed:
    """JSON lines of documents, the first of which have been changed; the last line may be torn."""
    return _lines(tuple(tuple(map(_as_pairs, it)) for it in examples))


@st.composite
def _lines(draw: st.DrawFn, examples: tuple[tuple[Any, ...], ...]) -> bytes:
    lines = [_encoded(it) for it in draw(st.sampled_from(examples))]
    for _ in range(draw(st.integers(1, 2))):
        place = draw(st.integers(0, len(lines) - 1))
        lines[place] = _encoded(draw(_document((draw(st.sampled_from(examples))[place],))))
    data = b"".join(it + b"\n" for it in lines)
    return data[: -draw(st.integers(1, 40))] if draw(st.integers(0, 9)) == 0 else data


@st.composite
def _document(draw: st.DrawFn, examples: tuple[Any, ...]) -> Any:
    document = draw(st.sampled_from(examples))
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(document))
        place = draw(st.sampled_from(places))
        others = [
            it for it in (_at(document, it) for it in places) if not isinstance(it, list) or len(it) < 4
        ]
        document = _changed(document, place, _change(draw, others))
    return document


def _change(draw: st.DrawFn, others: Sequence[Any]) -> Callable[[Any], Any]:
    """What becomes of a node: a replacement, or for a container also of its members."""
    kind = draw(st.integers(0, 9))
    if kind <= 2:
        value = draw(st.sampled_from(_NUMBERS))
    elif kind <= 5:
        value = draw(st.one_of(st.sampled_from(TEXTS), st.text(max_size=20)))
    elif kind == 6:
        value = draw(st.sampled_from((*_NESTED, *_EMPTY)))
    elif kind == 7:
        value = draw(st.sampled_from(others)) if others else None
    else:
        member = draw(st.one_of(st.sampled_from((*_NUMBERS, *TEXTS)), st.sampled_from(others or [None])))
        key, how, at = draw(st.sampled_from(TEXTS)), draw(st.integers(0, 3)), draw(st.integers(0, 100))
        return lambda node: _rearranged(node, how, at, key, member)
    return lambda node: value


def _rearranged(node: Any, how: int, at: int, key: str, member: Any) -> Any:
    """A list or mapping with one of its members gone, doubled, renamed or new."""
    if not isinstance(node, list):
        return [node]
    place = at % len(node) if node else 0
    new = (key, member) if isinstance(node, Pairs) else member
    if not node or how == 0:
        made = [*node, new]
    elif how == 1:
        made = [*node[:place], *node[place + 1 :]]
    elif how == 2:
        made = [*node, node[place]]
    else:
        renamed = (key, node[place][1]) if isinstance(node, Pairs) else new
        made = [*node[:place], renamed, *node[place + 1 :]]
    return type(node)(made)


def _as_pairs(document: Any) -> Any:
    if isinstance(document, dict):
        return Pairs((key, _as_pairs(it)) for key, it in document.items())
    return [_as_pairs(it) for it in document] if isinstance(document, list | tuple) else document


def _places(node: Any, place: tuple[int, ...] = ()) -> Any:
    yield place
    if isinstance(node, list):
        for index, it in enumerate(node):
            yield from _places(it[1] if isinstance(node, Pairs) else it, (*place, index))


def _at(node: Any, place: tuple[int, ...]) -> Any:
    for index in place:
        node = node[index][1] if isinstance(node, Pairs) else node[index]
    return node


def _changed(node: Any, place: tuple[int, ...], change: Callable[[Any], Any]) -> Any:
    if not place:
        return change(node)
    index, *rest = place
    copy = type(node)(node)
    if isinstance(node, Pairs):
        copy[index] = (node[index][0], _changed(node[index][1], tuple(rest), change))
    else:
        copy[index] = _changed(node[index], tuple(rest), change)
    return copy


def _encoded(document: Any) -> bytes:
    return _text(document).encode()


def _text(node: Any) -> str:
    if isinstance(node, Raw):
        return str(node)
    if isinstance(node, Pairs):
        return "{" + ", ".join(f"{json.dumps(str(key))}: {_text(it)}" for key, it in node) + "}"
    if isinstance(node, list):
        return "[" + ", ".join(map(_text, node)) + "]"
    return json.dumps(node)
