# PYTHON=...      the Python to make .venv with, if not the first one found
# LAB_ARGS=...    more options for JupyterLab:  make lab LAB_ARGS="--no-browser --port 9999"
# PYTEST_ARGS=... more options for pytest:      make test PYTEST_ARGS="tests/test_ground.py -x"
# BACKEND=...     the table of another backend, or what recording costs there, by a Python that has it:
#                 make matrix BACKEND=jax BACKEND_PYTHON=.../bin/python
# PINS_ARGS=...   more options for uv:          make pins PINS_ARGS=--upgrade

.DEFAULT_GOAL := help
.PHONY: help install lab test quick test-all test-ci test-versions test-backends test-torch test-jax check notebooks experiments student-copies teaching matrix bench site gallery pins dist clean

VENV_PYTHON := .venv/$(if $(filter Windows_NT,$(OS)),Scripts/python.exe,bin/python)
INSTALLED := .venv/.installed

# The stamp holds the folder's path. An environment that was copied or moved with its folder,
# or whose Python has gone, is made anew.
ifeq ($(shell cat $(INSTALLED) 2>/dev/null)|$(wildcard $(VENV_PYTHON)),$(CURDIR)|$(VENV_PYTHON))
VENV_IS_SOUND := yes
else
.PHONY: $(INSTALLED)
endif

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1  -  \2/p' Makefile

install: $(INSTALLED) ## make .venv and install the pinned packages into it

$(INSTALLED): requirements.txt pyproject.toml
	@if [ -z "$(VENV_IS_SOUND)" ]; then \
	    python=$$(PYTHON="$(PYTHON)" sh tools/find_python.sh) || exit 1; \
	    $$python -m venv --clear .venv || exit 1; \
	fi; \
	: "Node takes scripts below package.json for modules; those of JupyterLab are none."; \
	printf '{}\n' > .venv/package.json; \
	echo "Installing the pinned packages into .venv: about 600 MB to download the first time," \
	    "2 to 10 minutes, mostly silent ..."; \
	$(VENV_PYTHON) -m pip install --quiet --disable-pip-version-check --no-input \
	    -r requirements.txt -e . || exit 1; \
	printf '%s\n' "$(CURDIR)" > $(INSTALLED); \
	echo "Installed."

lab: $(INSTALLED) ## open the first lesson in JupyterLab
	@$(VENV_PYTHON) -m tools.launch_lab $(LAB_ARGS)

test: $(INSTALLED) page-tools ## run the tests: unit tests, docstring examples, notebooks, browser checks
	@$(VENV_PYTHON) -m pytest -n 2 $(PYTEST_ARGS)

quick: $(INSTALLED) ## run the unit tests and docstring examples alone: no notebook, no browser
	@$(VENV_PYTHON) -m pytest -n 2 tests stateviz -m "not full and not nightly and not browser and not node" $(PYTEST_ARGS)

test-all: $(INSTALLED) page-tools ## run every test there is, which takes an hour
	@$(VENV_PYTHON) -m pytest -n 2 -m "" $(PYTEST_ARGS)

test-ci: $(INSTALLED) page-tools ## run what CI runs besides make test
	@$(VENV_PYTHON) -m pytest -n 2 -m "full and not nightly" $(PYTEST_ARGS)

test-versions: $(INSTALLED) ## run the recorder's tests with the oldest and the newest Keras
	@$(VENV_PYTHON) -m tools.supported_versions

test-backends: $(INSTALLED) ## run the tests of PyTorch and of Keras on JAX, each in an environment of its own
	@$(VENV_PYTHON) -m tools.test_backends $(BACKENDS_ARGS)

test-torch: $(INSTALLED) ## of PyTorch and of Keras on it alone
	@$(VENV_PYTHON) -m tools.test_backends torch

test-jax: $(INSTALLED) ## of Keras on JAX alone
	@$(VENV_PYTHON) -m tools.test_backends jax

check: $(INSTALLED) page-tools ## formatters, linters and type checkers of both languages
	@$(VENV_PYTHON) -m ruff format --check .
	@$(VENV_PYTHON) -m ruff check .
	@$(VENV_PYTHON) -m mypy
	@if [ -d node_modules ]; then npm run --silent check; \
	    else echo "The page's code was NOT checked: that takes Node 18 or newer with npm."; fi

# The tools for the page's code. Nothing else needs Node, so its absence stops nothing here.
.PHONY: page-tools
page-tools:
	@if [ ! node_modules/.package-lock.json -nt package-lock.json ] && command -v npm >/dev/null; then \
	    npm ci --silent || echo "The page's tools could not be installed; go on without them."; \
	fi

notebooks: $(INSTALLED) ## run all notebooks again and save what they print
	@$(VENV_PYTHON) -m tools.regenerate_notebooks

experiments: $(INSTALLED) ## run all that the lessons' experiments offer, for pages without a kernel
	@$(VENV_PYTHON) -m tools.record_experiments

student-copies: $(INSTALLED) ## copy the lessons without their answers into student-copies/
	@$(VENV_PYTHON) -m tools.student_copies

teaching: $(INSTALLED) page-tools ## write the slides, the handout, the question bank and the plans for a teacher
	@$(VENV_PYTHON) -m tools.teaching

matrix: $(INSTALLED) ## record every kind of layer in every way to run it, and write docs/recorder.md
	@KERAS_BACKEND=$(or $(BACKEND),tensorflow) $(or $(BACKEND_PYTHON),$(VENV_PYTHON)) -m tests.matrix

bench: $(INSTALLED) ## measure recording and playing, and write benchmarks/RESULTS.md; BACKEND=... prints its cost
	@KERAS_BACKEND=$(or $(BACKEND),tensorflow) $(or $(BACKEND_PYTHON),$(VENV_PYTHON)) -m benchmarks.$(if $(BACKEND),on_backend,run)

site: $(INSTALLED) ## build the course as a site that plays without a kernel, into site/
	@$(VENV_PYTHON) -m tools.build_site

gallery: $(INSTALLED) ## open every scene in a browser and save how it looks, for docs/gallery.md
	@$(VENV_PYTHON) -m tools.gallery

pins: $(INSTALLED) ## solve requirements.txt from pyproject.toml again
	@$(VENV_PYTHON) -m uv pip compile --quiet --universal --python-version 3.11 \
	    --extra course --extra xarray --extra pandas --group pyproject.toml:dev --no-emit-index-url --no-emit-find-links \
	    --no-annotate --custom-compile-command "make pins" $(PINS_ARGS) \
	    --output-file requirements.txt pyproject.toml

dist: $(INSTALLED) ## build the wheel and the sdist into dist/
	@rm -rf dist
	@$(VENV_PYTHON) -m build --no-isolation --outdir dist . >/dev/null
	@ls dist

clean: ## remove .venv and all caches
	rm -rf .venv node_modules build dist site *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
