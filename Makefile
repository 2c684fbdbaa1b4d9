# fer_course in two commands: `make run` does the main job, `make test` checks everything. `make help` lists the rest.
# Without a GPU: `make run TORCH=cpu` installs a PyTorch of under 1 GB in place of 5 GB. One that is in .venv already is kept.
# CPU_WHEELS=ADDRESS takes it from a mirror of PyTorch's builds for CPUs.
PYTHON ?= python3
TORCH ?=
CPU_WHEELS ?=
OUT ?= _runs/course
BIN := .venv/bin
RUN_READY := .venv/.installed$(TORCH:%=-%)
READY := .venv/.installed-dev
DOCS_READY := .venv/.installed-docs
INSTALL := $(BIN)/python .ci/install.py --torch "$(TORCH)" $(if $(CPU_WHEELS),--index $(CPU_WHEELS))
CPU := $(if $(filter cpu,$(TORCH)),--cpu)
STEP := $(BIN)/python .ci/step.py
# the Python of .venv if it runs (the one it was made with may have been removed)
ANY_PYTHON = $(if $(shell $(BIN)/python -c "" 2>/dev/null && echo yes),$(BIN)/python,$(PYTHON))

ifneq ($(filter-out cpu,$(TORCH)),)
$(error TORCH=$(TORCH) is unknown. Remedy: TORCH=cpu for a PyTorch without GPU libraries, or leave it out)
endif
.NOTPARALLEL:

.PHONY: help doctor run test test-package export notebooks readme format map bench lab docs test-docs clean
help:            ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/  /'

doctor:          ## what this machine has, what is missing, what to do next; also before the installation
	@$(ANY_PYTHON) -m fer_course doctor $(CPU)

# A look before the leap, then what `make run` needs. Checks and notebooks need the extras of READY.
$(RUN_READY): pyproject.toml
	@$(ANY_PYTHON) -m fer_course doctor --before-installation $(CPU)
	@echo "== Installing into .venv (several minutes the first time; later runs reuse it)"
	@$(BIN)/python -c "" 2>/dev/null || $(PYTHON) -m venv --clear .venv || { rm -rf .venv; exit 1; }
	@$(INSTALL)
	@touch .venv/.installed $@

$(READY): $(RUN_READY)
	@echo "== Installing what the checks and the notebooks need"
	@$(INSTALL) dev
	@touch $@

$(DOCS_READY): $(RUN_READY)
	@echo "== Installing what the site needs"
	@$(INSTALL) docs
	@touch $@

$(DOCS_READY)-test: $(DOCS_READY)
	@echo "== Installing what the checks of the site need"
	@$(INSTALL) docs docs-test
	@touch $@

run: $(RUN_READY)  ## the main job: rendered faces -> aligned -> CVT and AU-CVT over three seeds -> a report (OUT=folder)
	@$(STEP) "The main job" -- $(BIN)/fer-course run --out $(OUT)
	@echo "The report: $(OUT)/report.html"

test: $(READY)   ## all checks: style, sync, nbdev_test, pytest
	@$(STEP) "All checks" -- $(BIN)/python .ci/test.py

test-package: $(READY) ## the wheel in an empty environment, installed by pip without a compiler (downloads PyTorch)
	@$(STEP) "The wheel in an empty environment" -- $(BIN)/python -m pytest -q tests/package_for_real.py

docs: $(DOCS_READY) ## the site, below _docs/html
	@$(STEP) "Site" -- $(BIN)/python docs/build_site.py

test-docs: docs $(DOCS_READY)-test ## the site in a browser: links, accessibility, requests
	@$(STEP) "Checks of the site" -- $(BIN)/python -m pytest -q docs/checks

export: $(READY) ## library, tests and README from the notebooks
	@$(STEP) "Library from notebooks" -- $(BIN)/nbdev_export
	@$(STEP) "Tests from notebooks" -- $(BIN)/python .ci/export_tests.py
	@$(STEP) "README from index.ipynb" -- $(BIN)/python .ci/readme.py

notebooks: $(READY) ## run the notebooks, keep their outputs, clean them (NB="one.ipynb two.ipynb" for some)
	@$(STEP) "Notebooks" -- $(BIN)/python .ci/execute.py $(NB)
	@$(STEP) "README from index.ipynb" -- $(BIN)/python .ci/readme.py

readme: $(READY) ## README.md from index.ipynb
	@$(STEP) "README from index.ipynb" -- $(BIN)/python .ci/readme.py

bench: $(READY)  ## speed and memory, side by side in one run
	@$(STEP) "Start" -- $(BIN)/python benchmarks/start.py
	@$(STEP) "Rendered faces" -- $(BIN)/python benchmarks/faces.py
	@$(STEP) "MTCNN against facenet-pytorch" -- $(BIN)/python benchmarks/detector.py
	@$(STEP) "Data preparation" -- $(BIN)/python benchmarks/data.py
	@$(STEP) "Training" -- $(BIN)/python benchmarks/training.py
	@$(STEP) "Dataset bias" -- $(BIN)/python benchmarks/bias.py

format: $(READY) ## format notebooks, scripts and tests, and clean the notebooks
	@$(STEP) "Format" -- $(BIN)/ruff format . .ci
	@$(STEP) "Clean" -- $(BIN)/nbdev_clean

map: $(READY)    ## docs/house.svg, the map of the library, from its imports
	@$(BIN)/python docs/house_map.py

lab: $(READY)    ## open the course in JupyterLab
	@$(BIN)/jupyter lab index.ipynb

clean:           ## remove what was generated, but not .venv
	rm -rf _runs _data _bench _docs .pytest_cache .ruff_cache
