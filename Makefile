# Five verbs. Each makes the virtual environment and installs what it needs by itself.
#   make demo        a guided tour: a mission is killed twice, resumed, and proved right
#   make test        everything that must hold before a change lands (CI runs this)
#   make test-deep   the long forms: more kills, more random programs, fuzzing; many hours as a whole,
#                    SHARE=3/8 runs the third of eight shares
#   make check       format, lint, types, import rules: no test
#   make fix         repairs what `check` can repair

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
PYTEST = HYPOTHESIS_PROFILE=$(or $(HYPOTHESIS_PROFILE),$(if $(CI),ci,dev)) $(BIN)/python -m pytest -q
PACKAGES := grammar runtime lsp tests scripts benchmarks

.PHONY: demo test test-deep test-vscode check fix lock clean

demo: $(VENV)/.runtime
	@$(BIN)/reqon demo

test: check
	@scripts/system-packages.sh neovim strace emacs-nox elpa-eglot jq redis-server postgresql
	$(PYTEST) -n $(WORKERS) --dist worksteal -m "not deep"
	@$(MAKE) --no-print-directory test-vscode

test-vscode: $(VENV)/.runtime
	@scripts/test-vscode.sh

test-deep: $(VENV)/.dev
	@scripts/system-packages.sh neovim strace emacs-nox elpa-eglot jq redis-server postgresql
	$(if $(SHARE),REQON_TEST_SHARE=$(SHARE)) HYPOTHESIS_PROFILE=deep $(BIN)/python -m pytest -q -n $(WORKERS) -m deep --timeout 3600
	$(BIN)/pip install -q "atheris>=3,<4" && $(BIN)/python scripts/fuzz.py --seconds 600

check: $(VENV)/.dev
	$(BIN)/ruff format --check -q $(PACKAGES)
	$(BIN)/ruff check -q $(PACKAGES)
	$(BIN)/basedpyright --level error
	$(BIN)/lint-imports --no-logo
	$(BIN)/python scripts/generate.py --check

fix: $(VENV)/.dev
	$(BIN)/ruff format -q $(PACKAGES)
	$(BIN)/ruff check -q --fix $(PACKAGES)
	$(BIN)/python scripts/generate.py

lock: $(VENV)/.dev
	@{ sed -n '/^#/p' requirements-dev.lock; $(BIN)/pip freeze --exclude-editable \
	  | grep -viE '^(atheris|py-spy|pip|setuptools)='; } > .lock.new && mv .lock.new requirements-dev.lock

clean:
	rm -rf $(VENV) .vscode-tool vscode-extension/node_modules vscode-extension/dist

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Reqon needs Python 3.11 or newer; say which: make PYTHON=python3.12 …"; exit 1; }
	@echo "making the virtual environment $(VENV) …"
	@$(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install -q --upgrade pip

$(VENV)/.runtime: pyproject.toml | $(VENV)/bin/python
	@echo "installing Reqon into $(VENV) …"
	@$(BIN)/python -m pip install -q -e . && touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(VENV)/bin/python
	@echo "installing Reqon and its development tools into $(VENV) …"
	@$(BIN)/python -m pip install -q -r requirements-dev.lock -e . && touch $@ $(VENV)/.runtime
