"""The second process: what it may be asked, how it fails, and that it never stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from bench.errors import ConfigError
from bench.files.typed_yaml import load_yaml
from bench.host.helper_process import Helper, HelperLost
from tests.conftest import until

SCRIPT = """\
import os
from bench.host.helper_process import Helper
print("once")
with Helper() as helper:
    print(helper.submit(os.getpid).result() != os.getpid(), helper.submit(print, "noise").result())
"""


def test_results_and_errors_come_back(tmp_path: Path) -> None:
    """Calls run in another process, in order; an error is of its own type and has its own message."""
    with Helper() as helper:
        futures = [helper.submit(divmod, 17, k) for k in (5, 0, 3)]
        assert helper.submit(os.getpid).result() != os.getpid()
        assert (futures[0].result(), futures[2].result()) == ((3, 2), (5, 2))
        with pytest.raises(ZeroDivisionError):
            futures[1].result()
        with pytest.raises(ConfigError, match=r"absent\.yaml") as caught:
            helper.submit(load_yaml, tmp_path / "absent.yaml").result()
        assert "Traceback" in caught.value.__notes__[0]


def test_a_script_without_a_guard_may_use_it(tmp_path: Path) -> None:
    """Neither a plain script nor standard input is run again in the helper, and its printing does no harm."""
    (tmp_path / "script.py").write_text(SCRIPT)
    for arguments, text in ((["script.py"], None), (["-"], SCRIPT)):
        done = subprocess.run(
            [sys.executable, *arguments], input=text, capture_output=True, text=True, cwd=tmp_path, check=True
        )
        assert done.stdout == "once\nTrue None\n"
        assert done.stderr == "noise\n"


def test_a_death_is_told_and_leaves_nothing() -> None:
    """Work of a helper that was killed is lost, as is all later work; the block ends without waiting."""
    with Helper() as helper:
        process = helper.submit(os.getpid).result()
        lost = [helper.submit(time.sleep, 60), helper.submit(os.getpid)]
        os.kill(process, signal.SIGKILL)
        for it in lost:
            with pytest.raises(HelperLost):
                it.result(timeout=20)
    assert not Path(f"/proc/{process}").exists()


def test_the_block_ends_a_busy_helper() -> None:
    """Leaving the block, with an error or without, ends the process whatever it does."""
    start = time.monotonic()
    with suppress(KeyboardInterrupt), Helper() as helper:
        process = helper.submit(os.getpid).result()
        busy = helper.submit(time.sleep, 60)
        until(busy.running)
        raise KeyboardInterrupt
    assert time.monotonic() - start < 50
    assert not Path(f"/proc/{process}").exists()
