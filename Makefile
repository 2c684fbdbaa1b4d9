# fer_course in two commands: `make run` does the main job, `make test` checks everything. `make help` lists the rest.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.installed
STEP := $(BIN)/python .ci/step.py
OUT ?= _runs/course

.PHONY: help run test export notebooks readme format map bench lab clean
help:            ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/  /'

$(READY): pyproject.toml
	@echo "== Making .venv and installing (several minutes and about 6 GB the first time; later runs reuse it)"
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 10) <= v else f"Python {v[0]}.{v[1]} is too old: fer_course needs 3.10 or newer. Remedy: make PYTHON=/path/to/python3.12 ...")'
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "This Python cannot make environments. Remedy: install its venv package (Debian and Ubuntu: python3-venv)."; exit 1; }
	@start=$$(date +%s); $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]' 2> .venv/pip.log \
	  || { tail -20 .venv/pip.log; exit 1; }; echo "== Installed in $$(( $$(date +%s) - start )) s"
	@touch $@

run: $(READY)    ## the main job: rendered faces -> aligned -> CVT and AU-CVT over three seeds -> a report (OUT=folder)
	@$(STEP) "The main job" -- $(BIN)/fer-course run --out $(OUT)
	@echo "The report: $(OUT)/report.html"

test: $(READY)   ## all checks: style, sync, nbdev_test, pytest
	@$(STEP) "All checks" -- $(BIN)/python .ci/test.py

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
