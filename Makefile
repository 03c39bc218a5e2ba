PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: bench test lint clean

bench: $(VENV)/bench.done ## install, measure the default suite, print its summary
	$(BIN)/rdbench run

# one thread for each of the processes that share the processors
test: $(VENV)/test.done ## the whole test suite
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses logical --maxprocesses 8 --dist loadfile

lint: $(VENV)/lint.done ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	mkdir -p $(VENV)/source && ln -sfn $(CURDIR)/bench $(VENV)/source/bench && ln -sfn $(CURDIR)/codecs $(VENV)/source/bench_codecs
	MYPYPATH=$(VENV)/source $(BIN)/mypy -p bench -p bench_codecs

clean:
	rm -rf $(VENV)

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/bench.done: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[learned]"
	touch $@

$(VENV)/test.done: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[learned,perceptual,test]"
	touch $@ $(VENV)/bench.done

# types are checked against the libraries themselves
$(VENV)/lint.done: $(VENV)/test.done
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[lint]"
	touch $@
