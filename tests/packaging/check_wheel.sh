#!/usr/bin/env bash
# check_wheel.sh [--lowest] PYTHON [EXTRAS]: the wheel, installed in a new environment of the interpreter PYTHON, works
# in an empty folder, and the quick tests that need nothing of the checkout pass against it. Dependencies come
# as wheels alone, the newest ones or, with --lowest, the oldest that pyproject.toml allows.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
lowest=no
if [ "$1" = --lowest ]; then
    lowest=yes
    shift
fi
python=$1
extras=${2:+[$2]}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

"$python" -m venv "$scratch/venv"
bin=$scratch/venv/bin
pip() { PIP_ONLY_BINARY=:all: "$bin/python" -m pip --disable-pip-version-check --quiet "$@"; }
pip wheel --no-deps --wheel-dir "$scratch/dist" "$root"
constraints=$scratch/constraints.txt
touch "$constraints"
if [ $lowest = yes ]; then
    pip install packaging
    "$bin/python" "$root/tests/packaging/lowest.py" >"$constraints"
fi
pip install --constraint "$constraints" "$(echo "$scratch"/dist/rdbench-*.whl)$extras" \
    pytest pytest-timeout 'pytest-xdist[psutil]' hypothesis bjontegaard
"$bin/python" - <<'END'
import sys
from importlib.metadata import distributions
print(f"python {sys.version.split()[0]}:", *sorted(f"{it.name}=={it.version}" for it in distributions()))
END

mkdir "$scratch/empty"
cd "$scratch/empty"
"$bin/rdbench" run --limit 1 --codec jpeg@30,60,90 --codec webp@30,60,90 --codec huffman
test -s results/runs/sample/report/report.md
"$bin/rdbench" list datasets
"$bin/rdbench" doctor

mkdir "$scratch/suite"
cp -r "$root/tests" "$root/examples" "$root/pyproject.toml" "$scratch/suite/"
cd "$scratch/suite"
OMP_NUM_THREADS=1 "$bin/python" -m pytest -q -p no:cacheprovider -m "not slow" --numprocesses logical --maxprocesses 8 \
    --dist loadfile tests/inputs tests/rd tests/metrics tests/codecs tests/exchange \
    $(case $extras in *cluster*) echo tests/engines/cluster ;; esac)
