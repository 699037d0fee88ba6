# BAT OS. `make` alone says what there is.
#
# Everything happens in .venv; `.ci/setup` fills it in stages and leaves a stamp for each, named after pyproject.toml's
# content and this folder, so that the second `make run` starts at once and a changed dependency is noticed.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PY := .venv/bin/python
HASH := $(shell { pwd; cat pyproject.toml .ci/setup; } | cksum | cut -d' ' -f1)
READY_TO_RUN := .venv/stamps/run-$(HASH)
READY_TO_TEST := .venv/stamps/test-$(HASH)
READY_TO_TRAIN := .venv/stamps/train-$(HASH)

IMAGE ?= live_image.fs
# The embedded model: `auto` builds it in the background, `off` leaves it out.
MODEL ?= auto
# torch and its like (1 GB) for `make test`: `off` skips the test that trains a model.
TRAIN ?= auto
# The tests against a real vLLM, where it is installed: `off` leaves them out. On a busy machine they take long.
VLLM ?= auto
# How many tests run at once.
JOBS ?= auto
# How long `make soak` takes.
MINUTES ?= 10

.PHONY: help setup run start-model test test-vllm lint types unit model train-tools bench bench-awfy kills soak clean

help:
	@echo 'make run         the REPL on live_image.fs (IMAGE=other.fs for another image), set up first if need be'
	@echo 'make test        everything CI runs: ruff, mypy, all tests, the embedded model among them'
	@echo
	@echo 'make setup       .venv with everything to run and test; leaves .venv/bin/batos; starts the model'\''s build'
	@echo 'make model       wait for the embedded model (it builds in the background from `make setup` on)'
	@echo 'make test-vllm   the tests against a real vLLM, installed first into a folder of its own (4 GB, some minutes)'
	@echo 'make lint        ruff only           make types   mypy only, on an installed copy'
	@echo 'make unit        pytest only; ARGS="tests/image -x" chooses, JOBS=0 runs them one after another'
	@echo 'make bench-awfy  the Are-We-Fast-Yet programs against hand-written Python; last line: geomean RATIO'
	@echo 'make bench       all benchmarks but the long ones'
	@echo 'make kills       a kernel killed 200 times at random moments, its disk full now and then: nothing is lost'
	@echo 'make soak        a kernel under load for ten minutes: its memory stays flat (MINUTES=60)'
	@echo 'make train-tools torch and its like into .venv, for batos train finetune (make test does it, too)'
	@echo 'make clean       remove what was built and .venv; images (*.fs) stay'
	@echo
	@echo 'Settings: PYTHON=python3.12 (which Python), MODEL=off (no embedded model), TRAIN=off (no torch), VLLM=off, IMAGE, JOBS.'
	@echo 'Another model: BATOS_MODEL=/path/to/model.gguf, or BATOS_MODEL_URL=http://host:port/v1 BATOS_MODEL_NAME=name.'

setup: $(READY_TO_TEST)
	@$(MAKE) start-model

# The part of set-up that a prompt needs: nobody waits for test tools. `set -m` gives the REPL a process group of its own,
# so that Ctrl-C interrupts a message and not make; the exit behind it keeps bash from replacing itself before that.
run: $(READY_TO_RUN)
	@$(MAKE) start-model
	@set -m; .venv/bin/batos -i '$(IMAGE)'; exit $$?

$(READY_TO_RUN):
	@.ci/setup run $@

$(READY_TO_TEST): $(READY_TO_RUN)
	@.ci/setup test $@

$(READY_TO_TRAIN): $(READY_TO_TEST)
	@.ci/setup train $@
	@if cat .venv/left-out-train >/dev/null 2>&1; then echo 'WITHOUT the test that trains a model:'; cat .venv/left-out-train; fi

start-model: $(READY_TO_RUN)
	@if cat .venv/left-out-* >/dev/null 2>&1; then \
		echo 'LEFT OUT by this machine (`.ci/setup` tries again):'; sed 's/^/  /' .venv/left-out-*; fi
	@if [ '$(MODEL)' != off ] && [ -z "$${BATOS_MODEL_URL-}" ]; then $(PY) -m batos.jit.model_setup start || true; fi

train-tools: $(READY_TO_TRAIN)

model: start-model
	@$(PY) -m batos.jit.model_setup wait

# The order: quick checks while the model compiles; then wait for it, so that the tests have the machine to themselves.
test: setup
	@$(MAKE) lint types
	@if [ '$(TRAIN)' != off ]; then $(MAKE) $(READY_TO_TRAIN); fi
	@if [ '$(MODEL)' != off ]; then $(PY) -m batos.jit.model_setup wait || echo 'WITHOUT the embedded model'; fi
	@$(MAKE) unit

# Apart from `make test`, because it installs 4 GB; `make test` runs these too where they are installed already.
test-vllm: $(READY_TO_TEST)
	@$(PY) -m batos.cli serve-model --install
	@$(PY) -m pytest -m vllm $(ARGS)

lint: $(READY_TO_TEST)
	@$(PY) -m ruff check .

# On an installed copy, because a checker cannot follow the mapping of rooms in the work tree.
types: $(READY_TO_TEST)
	@rm -rf build/stage build/lib build/bdist.*
	@$(PY) -m pip install -qq --no-deps --no-build-isolation --target build/stage .
	@$(PY) -m mypy --config-file pyproject.toml build/stage/batos \
		| sed -E 's#^build/stage/batos/(bridge|grammar|image|interp|jit|training|ui)/#\1/#; s#^build/stage/##'

unit: $(READY_TO_TEST)
	@$(PY) -m pytest -n $(JOBS) $(if $(filter off,$(VLLM)),-m 'not vllm') $(ARGS) || { \
		echo 'Some failed beside others on a busy machine: each of them once more, alone.'; \
		$(PY) -m pytest --last-failed --last-failed-no-failures none; }

bench-awfy: $(READY_TO_TEST)
	@$(PY) -m benchmarks.awfy

bench: $(READY_TO_TEST)
	@$(PY) -m benchmarks

kills: $(READY_TO_TEST)
	@$(PY) -m benchmarks.kills

soak: $(READY_TO_TEST)
	@$(PY) -m benchmarks.soak --minutes $(MINUTES)

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
