"""``verification.json``: what is written is read again, and nothing else is."""

import msgspec
import pytest

from bench.errors import StoreError
from bench.host.environment import Environment
from bench.verifying.record import (
    CodecFlag,
    Difference,
    Verification,
    VerifiedRow,
    read_verification,
    write_verification,
)

_ROW = VerifiedRow(
    dataset="kodak",
    image="a b.png",
    key="00ff",
    label="jpeg",
    quality=50.0,
    verdict="decodes, numbers differ",
    detail="psnr_rgb is 30.5, not 31",
    differences=(
        Difference(name="psnr_rgb", recorded=31.0, found=30.5),
        Difference(name="exact", recorded=True, found=False),
        Difference(name="bitstream_sha256", recorded="ab", found=None),
    ),
)
_FOUND = Verification(
    created="2026-01-31T12:00:00Z",
    rdbench="1.0",
    environment=Environment({"cpu": "a"}, {"numpy": "2"}),
    seed=0,
    sample=0.1,
    decode_only=False,
    sealed=True,
    journal_sha256="0" * 64,
    plan_sha256="1" * 64,
    tolerances={"psnr_rgb": 1e-3},
    rows=(_ROW, msgspec.structs.replace(_ROW, verdict="verified", detail="", differences=())),
    flags=(CodecFlag(label="jpeg", flag="memorised?"),),
    notes=("a note",),
)


def test_what_is_written_is_read_again(tmp_path):
    """Reading gives what was written, and counts are by codec."""
    write_verification(tmp_path / "v.json", _FOUND)
    found = read_verification(tmp_path / "v.json")
    assert found == _FOUND
    assert found.counts() == {"jpeg": {"verified": 1, "decodes, numbers differ": 1}}
    assert [it.where for it in found.contradicted] == ["jpeg at 50 on kodak/a b.png"]
    assert not found.whole


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"schema": 1', '"schema": 2', "update rdbench"),
        ('"schema": 1', '"schema": 0', "verify the run again"),
        ("rdbench verification", "rdbench baseline", "its format"),
        ('"seed": 0', '"seed": -1', "seed"),
        ('"seed": 0', '"seed": 1e999', "seed"),
        ('"seed": 0', '"seed": 0, "other": 1', "other"),
        ('"decodes, numbers differ"', '"fine"', "Invalid enum value"),
        ("a b.png", r"a\u001b[2J.png", "control characters"),
        ("a note", r"a\nnote", "control characters"),
        ("a note", "x" * 2000, "length"),
        ("{", "[" * 100_000, "damaged"),
        ("}\n", "", "damaged"),
    ],
)
def test_anything_else_is_refused_in_one_line(tmp_path, old, new, told):
    """A damaged, hostile or newer file is an error that names the file and says why."""
    path = tmp_path / "v.json"
    write_verification(path, _FOUND)
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(StoreError, match=told) as caught:
        read_verification(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_link_is_not_followed(tmp_path):
    """A run folder's link, which may lead anywhere, is no verification."""
    write_verification(tmp_path / "v.json", _FOUND)
    (tmp_path / "link.json").symlink_to(tmp_path / "v.json")
    with pytest.raises(StoreError, match="a link"):
        read_verification(tmp_path / "link.json")
