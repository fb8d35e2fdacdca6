# `make demo` and `make test` set up everything they need in .venv; only Python 3.11 or later has to be there.
# The first run needs a network (or a pip that is configured for a local index), later runs need none.
# Another interpreter: make test PYTHON=python3.12. Another torch: install it into .venv first, it is kept.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Stamps carry the checksum of pyproject.toml: changed requirements are installed, an unchanged file costs nothing.
KEY := $(shell cksum < pyproject.toml | cut -d ' ' -f 1)
INSTALLED := $(VENV)/.installed-$(KEY)
INSTALLED_DEV := $(VENV)/.installed-dev-$(KEY)

# The oldest transformers that is supported, in front of the packages of .venv.
OLDEST := .venv-oldest
OLD_TRANSFORMERS := $(OLDEST)/.installed-$(KEY)

.PHONY: demo test test-oldest clean
.DELETE_ON_ERROR:

demo: $(INSTALLED)
	$(BIN)/domainbert pretrain --recipe dna

test: $(INSTALLED_DEV)
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile

# The engine's invariants hold with it too.
test-oldest: $(OLD_TRANSFORMERS)
	$(OLDEST)/bin/python -c 'import transformers; assert transformers.__version__.startswith("5.17."), transformers.__version__'
	$(OLDEST)/bin/python -m pytest -p no:cacheprovider -m invariant tests/engine

clean:
	rm -rf $(VENV) $(OLDEST) build dist .mypy_cache .pytest_cache .ruff_cache

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; say which: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

# Without build isolation: an installation whose requirements are already there then needs no network.
$(INSTALLED): | $(BIN)/pip
	$(BIN)/python -c 'import importlib.util as u, sys; sys.exit(not u.find_spec("torch"))' || $(BIN)/pip install torch==2.13.0
	$(BIN)/pip install 'hatchling>=1.27'
	$(BIN)/pip install --no-build-isolation --editable .
	touch $@

$(INSTALLED_DEV): $(INSTALLED)
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["dev"], sep="\n")' > $(VENV)/dev.txt
	$(BIN)/pip install --requirement $(VENV)/dev.txt
	touch $@

$(OLD_TRANSFORMERS): $(INSTALLED_DEV)
	rm -rf $(OLDEST)
	$(BIN)/python -m venv $(OLDEST)
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > "$$($(OLDEST)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/newest.pth"
	$(OLDEST)/bin/pip install 'transformers==5.17.*' 'huggingface_hub==1.33.*'
	touch $@
