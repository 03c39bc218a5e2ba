#!/usr/bin/env bash
# The built wheel, installed alone in a new environment, works in an empty folder: data files are inside, the
# newest numpy is used (the checkout's own environment has numpy 1.26, which compressai asks for), and the tests
# that need nothing of the checkout pass against the installed package.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

python=python3
for candidate in python3.12 "$HOME"/.pyenv/versions/3.12.*/bin/python; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 12))' 2>/dev/null; then
        python=$candidate
        break
    fi
done

"$python" -m venv "$scratch/venv"
pip() { "$scratch/venv/bin/python" -m pip --disable-pip-version-check "$@"; }
pip wheel --quiet --no-deps --wheel-dir "$scratch/dist" "$root"
pip install --quiet "$(echo "$scratch"/dist/rdbench-*.whl)" pytest pytest-timeout hypothesis bjontegaard
"$scratch/venv/bin/python" -c 'import sys, numpy; print("python", sys.version.split()[0], "numpy", numpy.__version__)'

mkdir "$scratch/empty"
cd "$scratch/empty"
"$scratch/venv/bin/rdbench" run --limit 1 --codec jpeg@30,60,90 --codec webp@30,60,90 --codec huffman
test -s results/runs/sample/report/report.md
"$scratch/venv/bin/rdbench" list datasets
"$scratch/venv/bin/rdbench" doctor

mkdir "$scratch/suite"
cp -r "$root/tests" "$scratch/suite/tests"
cp "$root/pyproject.toml" "$scratch/suite/"
cd "$scratch/suite"
"$scratch/venv/bin/python" -m pytest -q -p no:cacheprovider -m "not slow" tests/inputs tests/rd tests/metrics tests/codecs tests/exchange
