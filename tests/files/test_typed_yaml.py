"""The YAML reader: what nobody writes by hand is refused with the file, the line and a remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import ConfigError
from bench.files.typed_yaml import load_yaml

REFUSED = {
    "an alias": ("a: &x [1]\nb: *x\n", ":1: anchors and aliases"),
    "a bomb": ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", ":1: anchors and aliases"),
    "an alias of itself": ("a: &a [*a]\n", ":1: anchors and aliases"),
    "a tag": ("a: 1\nb: !!int abc\n", ":2: tags"),
    "a tag of Python": ("a: !!python/object/apply:os.system [ls]\n", ":1: tags"),
    "no date": ("a: 1\nb: 2020-13-45\n", ":2: '2020-13-45' is no value"),
    "thousands of digits": ("a: " + "9" * 6000, ":1: a number of 6000 digits"),
    "an octal number": ("a: [1,\n  050]\n", ":2: 050 is another number in YAML"),
    "a number to base 60": ("a: 1:30\n", ":1: 1:30 is another number in YAML"),
    "a key twice": ("a: 1\nb: 2\na: 3\n", ":3: the key 'a' stands here a second time .first on line 1."),
    "an inner key twice": ("a:\n  b: 2\n  b: 3\n", ":3: the key 'b'"),
    "a list as key": ("? [1, 2]\n: 3\n", ":1: a key is a word"),
    "a merge key": ("<<: {a: 1}\n", ":1: '<<' is no value"),
    "many levels": ("[" * 21 + "]" * 21, ":1: more than 20 levels"),
    "levels without end": ("[" * 100_000, ":1: (more than 20 levels|not valid YAML)"),
    "two documents": ("a: 1\n---\nb: 2\n", ":2: not valid YAML"),
    "half a character": ('a: "\\ud800"\n', ":1: not valid YAML"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_traps_are_refused_with_their_line(name: str, tmp_path: Path) -> None:
    """Nothing is dropped, read as another number, or expanded until memory ends."""
    text, message = REFUSED[name]
    path = tmp_path / "suite.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_yaml(path)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    """A file that is not in UTF-8 says so; a byte order mark is none of its contents."""
    path = tmp_path / "suite.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not a text file in UTF-8"):
        load_yaml(path)
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert load_yaml(path).data == {"a": 1}


def test_what_people_write_is_read_as_before(tmp_path: Path) -> None:
    """Numbers, text, truth, dates, nothing, lists and mappings in their usual spellings."""
    path = tmp_path / "suite.yaml"
    path.write_text(
        "a: 1\nb: -0.5\nc: 1e-3\nd: 0x1F\ne: true\nf: ~\ng: '050'\nh: 2001-02-03\ni: [x, 'y: z', 0]\n"
        'j: {k: "1:30"}\n4: four\n0: zero\nl: 1.0e+3\nm: 1_000\n'
    )
    data = load_yaml(path).data
    assert str(data.pop("h")) == "2001-02-03"
    assert data == {
        "a": 1,
        "b": -0.5,
        "c": "1e-3",
        "d": 31,
        "e": True,
        "f": None,
        "g": "050",
        "i": ["x", "y: z", 0],
        "j": {"k": "1:30"},
        4: "four",
        0: "zero",
        "l": 1000.0,
        "m": 1000,
    }
