# Everything runs in a virtual environment of its own, .venv, made at first use. `make help` lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help run new-backprop test fuzz team kills soak faults figures lint audit ui bench growth memory clean docs pictures gallery

help:  ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "make %-12s %s\n", $$1, $$2}'

run: $(VENV)/run  ## train the default network by both backends and say whether they agree
	$(BIN)/python -m runner lr=0.05 seed=1

new-backprop: $(VENV)/run  ## write a file to start your own backpropagation from: make new-backprop FILE=my.py
	$(BIN)/python -m runner new-backprop "$(FILE)"

test: $(VENV)/dev  ## run the tests
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

fuzz: $(VENV)/dev  ## judge 10,000 random right configurations and 3,400 mutants, which goes on where it stopped; 2,000 random inputs
	$(BIN)/python -m tests.fuzzing.inputs
	$(BIN)/python -m tests.fuzzing

team: $(VENV)/dev  ## record 400 runs by 8 processes at once, into a server on PostgreSQL and into one sqlite file; takes minutes
	$(BIN)/python -m tests.servers

MINUTES ?= 30
soak: $(VENV)/dev  ## sweeps, kills, stops and restarts of a server for half an hour, and what holds then: make soak MINUTES=30
	$(BIN)/python -m tests.soak "$(MINUTES)" --write docs/reliability.md

faults: $(VENV)/dev  ## run every deliberately wrong backpropagation on the command line
	$(BIN)/python -m tests.faults

kills: $(VENV)/dev  ## kill sweeps at every point and 100 times at random, resume them, check what is left; takes half an hour
	$(BIN)/python -m tests.kills.campaign

figures: $(VENV)/dev  ## draw the figures of docs/verdict.md
	$(BIN)/python -m benchmarks.figures

gallery: $(VENV)/run  ## run the experiments of docs/gallery and write it anew
	$(BIN)/python -m benchmarks.gallery

docs: $(VENV)/docs  ## build the documentation as a site, site/index.html, which needs no network
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build -q --strict

pictures: $(VENV)/dev  ## take the pictures of README.md anew (needs Debian's chromium)
	$(BIN)/python -m documentation.pictures

lint: $(VENV)/dev  ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

audit: $(VENV)/audit  ## look for insecure code, and for known vulnerabilities of the pinned packages (needs the network)
	$(BIN)/bandit -q -c pyproject.toml -r runner hydra_plugins
	@$(BIN)/pip-audit --strict --no-deps --disable-pip --progress-spinner off -r constraints.txt || { \
	    echo "make audit: bandit found nothing; pip-audit found something, or could not ask about every package" >&2; exit 1; }

ui: $(VENV)/run  ## open the MLflow UI on what was recorded (http://127.0.0.1:5000)
	@$(BIN)/python -m runner.commands.front_page
	$(BIN)/mlflow ui --backend-store-uri sqlite:///outputs/mlflow.db --host 127.0.0.1

bench: $(VENV)/bench  ## measure speed against torch, jax and others, side by side, and what recording costs
	$(BIN)/python -m benchmarks

growth: $(VENV)/bench  ## measure how runs and sweeps grow, up to 100,000 steps, 300 layers, 1000 jobs; takes a quarter of an hour
	$(BIN)/python -m benchmarks growth_far

STEPS ?= 10000
memory: $(VENV)/bench  ## measure the peak memory of a run that keeps every gradient: make memory STEPS=10000 (150 GB)
	$(BIN)/python -m benchmarks.memory "$(STEPS)"

clean:  ## remove the virtual environment and the caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache

# One install a set of extras; a changed dependency installs again.
$(VENV)/run: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(VENV)/dev: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[test,dev,joblib,ray,slurm,optuna,server]'
	touch $@

$(VENV)/bench: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[bench]'
	touch $@

$(VENV)/audit: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[audit]'
	touch $@

$(VENV)/docs: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[docs]'
	touch $@

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
