PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --prefer-binary

.PHONY: bench test gpu lint lint-python lint-types lint-yaml lint-page docs clean

# The classical codecs are measured first: PyTorch, which vae needs, takes longer to download than all the rest.
bench: $(VENV)/core.done ## install, measure the default suite, print its summary
	$(BIN)/rdbench run
	@if [ ! -e $(VENV)/learned.done ]; then \
	    echo; echo "Next, the learned codec vae: installing PyTorch takes minutes. Ctrl-C keeps what is measured."; \
	    if $(INSTALL) -e ".[learned]"; then \
	        touch $(VENV)/learned.done; echo "$(BIN)/rdbench run"; $(BIN)/rdbench run; \
	    else \
	        echo "Left out: vae, for PyTorch could not be installed. The rest is measured; make bench tries again."; \
	    fi; \
	fi

# one thread for each of the processes that share the processors; OPTIONS are pytest's
test: $(VENV)/test.done ## the whole test suite
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses logical --maxprocesses 8 --dist loadfile $(OPTIONS)

gpu: $(VENV)/test.done ## on a machine with a GPU: the tests that need one, agreement with the CPU, speed, memory
	@if $(BIN)/python -m tests.benchmarks.vae_gpu --probe; then \
	    $(BIN)/python -m pytest -m gpu $(OPTIONS) && \
	    $(BIN)/python -m tests.benchmarks.vae_gpu --out results/gpu.json && \
	    $(BIN)/python -m tests.packaging.readme_tables; \
	fi

lint: lint-python lint-types lint-yaml lint-page ## style and types

lint-python: $(VENV)/lint.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

lint-types: $(VENV)/lint.done
	mkdir -p $(VENV)/source && ln -sfn $(CURDIR)/bench $(VENV)/source/bench && ln -sfn $(CURDIR)/codecs $(VENV)/source/bench_codecs
	MYPYPATH=$(VENV)/source $(BIN)/mypy -p bench -p bench_codecs

lint-yaml: $(VENV)/lint.done
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml examples/*/.github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions examples/*/action.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/[!c]*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(BIN)/pre-commit validate-config

lint-page: ## the JavaScript of the leaderboard page
	@if command -v npm >/dev/null; then \
	    npm ci --silent --no-audit --no-fund && npm run --silent lint; \
	else \
	    echo "Left out: the JavaScript of the page, for want of npm."; \
	fi

docs: $(VENV)/docs.done ## the site, into build/site; a warning is an error
	NO_MKDOCS_2_WARNING=1 DISABLE_MKDOCS_2_WARNING=true $(BIN)/python -m mkdocs build --strict --quiet

clean:
	rm -rf $(VENV)

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/core.done: $(BIN)/python pyproject.toml
	$(INSTALL) -e .
	rm -f $(VENV)/learned.done
	touch $@

$(VENV)/test.done: $(BIN)/python pyproject.toml
	$(INSTALL) -e ".[learned,perceptual,test]"
	touch $@ $(VENV)/core.done $(VENV)/learned.done

# types are checked against the libraries themselves
$(VENV)/lint.done: $(VENV)/test.done
	$(INSTALL) -e ".[lint]"
	touch $@

# pages of codecs and metrics say what these say of themselves, so they are all installed
$(VENV)/docs.done: $(VENV)/test.done
	$(INSTALL) -e ".[docs]"
	touch $@
