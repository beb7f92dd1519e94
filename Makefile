# Two commands need nothing but Python 3.11 or newer: `make quick` and `make test`.

PYTHON ?= python3
SUITE ?= quick
VENV := .venv
BIN := $(VENV)/bin
# uv where there is one, for speed; --require-hashes holds for both.
# A module is compiled when it is imported first, and most never are.
PIP := $(BIN)/pip install --disable-pip-version-check --no-compile
INSTALL = $(if $(shell command -v uv),uv pip install --python $(BIN)/python,$(PIP)) --quiet
WHOLE := laptop sensitivity gpu_hour
IN_PARTS := paper controls
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help install cluster quick $(WHOLE) $(IN_PARTS) plan readme article status report test test-slow test-pythons test-lowest browser lint lock clean

help:  ## Show this list.
	@grep -hE '^[a-z_-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: $(VENV)/installed  ## Install everything into .venv (about 6 GB, some minutes the first time).

$(VENV)/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
	  { echo "error: Python's venv module is missing; on Debian or Ubuntu: apt-get install python3-venv"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --require-hashes -r requirements.lock
	$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: repository
repository:
	@git rev-parse --git-dir >/dev/null 2>&1 || test -e .git || grep -qs no_scm .dvc/config .dvc/config.local || \
	  { printf '%s\n' "error: this folder is not a git repository, as after unpacking a zip, and DVC wants one. Clone it with git," \
	  "or let DVC do without: printf '[core]\n    no_scm = true\n' >> .dvc/config.local"; exit 2; }

# DVC, but that of dvc.lock it writes a stage's lines alone.
DVC := $(BIN)/python -m selfsparse.dvc

# A stage of quick is over about as soon as DVC has looked for an earlier run of it. Digits and photographs have nothing in
# common before their correlation, nor have the notebooks on the suite and those on the paper, so two DVCs work at a time, and
# one waits where the other writes dvc.lock; bars of both would write over each other. What is left comes with the report.
QUICK_DATASETS := digits-16 photos-16
REPRO_QUICK := $(DVC) --wait-for-lock repro --no-run-cache --single-item
.PHONY: $(QUICK_DATASETS:%=quick-%) quick-notebooks quick-paper

quick: repository install  ## Run a suite from data to report, in minutes on a CPU: small GANs on digits and photographs.
	$(BIN)/selfsparse check $@
	@$(REPRO_QUICK) inputs
	@TQDM_DISABLE=1 $(MAKE) --no-print-directory -j2 $(QUICK_DATASETS:%=quick-%)
	@TQDM_DISABLE=1 $(MAKE) --no-print-directory -j2 quick-notebooks quick-paper
	@$(DVC) repro --no-run-cache report@$@
	@echo "Report: $(CURDIR)/results/$@/report/index.html; beside the results in git: $(BIN)/selfsparse compare $@"

$(QUICK_DATASETS:%=quick-%): quick-%:
	@stages=$$($(BIN)/python -c 'from selfsparse.config import load_settings; \
	  own = [c for c in load_settings().suite("quick") if c.dataset_key == "$*"]; \
	  print(*dict.fromkeys(f"data@{c.dataset_key}" for c in own), \
	    *dict.fromkeys(f"{stage}@{c.extractor_key}" for stage in ("extractor", "reference") for c in own), \
	    *(f"{stage}@{c.name}" for stage in ("train", "measure") for c in own))') && \
	  { test -z "$$stages" || $(REPRO_QUICK) $$stages; }

quick-notebooks:
	@$(REPRO_QUICK) correlation@quick summary@quick verdicts@quick notebook@quick

quick-paper:
	@$(REPRO_QUICK) paper_audit

laptop:  ## ... in about three hours on two CPU cores: MNIST, Fashion-MNIST and CIFAR-10, narrow networks, ten runs each.
sensitivity:  ## ... in two to three hours on two CPU cores: one of the paper's open questions changed at a time.
gpu_hour:  ## ... an estimated hour of a CUDA GPU: the paper's MNIST rows at full width and budget.
$(WHOLE): repository install
	$(BIN)/selfsparse check $@
	$(DVC) repro report@$@
	@echo "Report: $(CURDIR)/results/$@/report/index.html; beside the results in git: $(BIN)/selfsparse compare $@"

paper:  ## Run what there are data for, then report (CUDA GPU): the paper's 36 configurations.
controls:  ## ... what the paper lacks: as many parameters, the other penalty, a public Sketch.
$(IN_PARTS): repository install
	$(BIN)/selfsparse check $@
	-$(DVC) repro --keep-going report@$@
	$(MAKE) report SUITE=$@

cluster: $(VENV)/cluster  ## Install Ray as well (70 MB), for `selfsparse distribute`.

$(VENV)/cluster: requirements-cluster.lock $(VENV)/installed
	$(INSTALL) --require-hashes -r requirements-cluster.lock
	@touch $@

plan: install  ## Say what a suite costs before it is run: make plan SUITE=paper.
	@$(BIN)/selfsparse plan $(SUITE)

readme: install  ## Renew what README.md and results/README.md say of the results.
	$(BIN)/selfsparse readme

article: install  ## Write docs/replication.md, the article, and its figures from the results.
	$(BIN)/selfsparse article

status: repository install  ## Say which suites' results are current, or what of one is not: make status SUITE=laptop.
ifeq ($(origin SUITE),file)
	@$(BIN)/selfsparse status
else
	@$(BIN)/python -m pipeline.inputs
	@$(BIN)/dvc status --with-deps report@$(SUITE)
endif

report: repository install  ## Report on whatever has been run so far: make report SUITE=laptop.
	@$(BIN)/python -c 'from selfsparse.cli import guarded; from selfsparse.config import load_settings; exit(guarded(lambda: load_settings().suite("$(SUITE)") and None))'
	@mkdir -p $(addprefix results/$(SUITE)/,runs fid sparsity)
	$(DVC) repro --single-item inputs
	-$(DVC) repro --single-item --allow-missing correlation@$(SUITE) summary@$(SUITE)
	$(DVC) repro --single-item --allow-missing verdicts@$(SUITE) notebook@$(SUITE) paper_audit report@$(SUITE)
	@echo "Report: $(CURDIR)/results/$(SUITE)/report/index.html"

test: install  ## Run the tests (under 3 minutes, no network, no GPU).
	$(BIN)/pytest -q -n auto --maxprocesses 8 --dist worksteal -m "not slow"

test-slow: install  ## Run the tests that take longer.
	$(BIN)/pytest -q -n auto --maxprocesses 8 --dist worksteal -m slow

PYTHONS ?= python3.11 python3.12 python3.13 python3.14

test-pythons:  ## Run the tests under each Python that is here, 6 GB each: make test-pythons PYTHONS="python3.13".
	@for name in $(PYTHONS); do \
	  path=$$(PYENV_VERSION=$$(pyenv versions --bare 2>/dev/null | paste -sd:) $$name -c 'import sys; print(sys.executable)' 2>/dev/null) || \
	    { echo "$$name: not here"; continue; }; \
	  echo "$$name: $$path"; \
	  $(MAKE) --no-print-directory test PYTHON=$$path VENV=.venvs/$$(basename $$name) || exit; \
	done

test-lowest:  ## Run the tests with the lowest versions that pyproject.toml allows (needs uv; 6 GB).
	uv venv --quiet --allow-existing --python $(PYTHON) .venvs/lowest
	uv pip install --quiet --python .venvs/lowest --resolution lowest-direct --editable '.[suite,dev,lsun,sketch]'
	@touch .venvs/lowest/installed
	@$(MAKE) --no-print-directory test VENV=.venvs/lowest

browser:  ## Install Chromium, a package of the system (Debian), for the tests that open pages in it.
	@command -v apt-get >/dev/null || { echo "error: no apt-get here; install Chromium as your system does it"; exit 2; }
	@test "$$(id -u)" = 0 || { echo "error: Chromium is a package of the system: sudo make browser"; exit 2; }
	apt-get update -q
	apt-get install -y -q --no-install-recommends chromium

lint: install  ## Check style and types.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

COMPILE := uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
  --no-annotate --no-header --quiet

lock:  ## Renew requirements.lock and requirements-cluster.lock from pyproject.toml (needs uv).
	$(COMPILE) pyproject.toml --extra suite --extra dev --extra lsun --extra sketch -o requirements.lock
	$(PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["cluster"], sep="\n")' | \
	  $(COMPILE) - --constraint requirements.lock -o requirements-cluster.lock

clean:  ## Remove what the pipeline prepared and interrupted trainings; results and the DVC cache stay.
	rm -rf data/listings data/inputs data/packed data/extractors data/references .checkpoints
