# Needs python3 (>= 3.11), pip and make; everything else is installed into .venv.
PYTHON ?= python3
PORT ?= 8000
UV_VERSION := $(shell sed -n 's|^uv==\([^ ]*\).*|\1|p' requirements-dev.txt)

BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# The programs start many processes: what one of them compiled, the next one finds.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: install demo test check bench lock messages widget screenshots format

install: .venv/installed

# A virtual environment without pip of its own works also where Python came without ensurepip.
.venv/installed: requirements-dev.txt
	$(PYTHON) -m venv --without-pip .venv
	$(PYTHON) -m pip --python $(BIN)/python install --quiet "uv==$(UV_VERSION)"
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements-dev.txt
	touch $@

demo: install
	@ODZEW_ENV=demo exec $(BIN)/python manage.py demo --port $(PORT)

test: install
	@ODZEW_ENV=test $(BIN)/pytest -n 2 --dist worksteal

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	ODZEW_ENV=test $(BIN)/python manage.py makemigrations --check --dry-run
	ODZEW_ENV=test $(BIN)/python manage.py check
	ODZEW_ENV=test $(BIN)/python manage.py check_production
	ODZEW_ENV=test $(BIN)/python manage.py build_widget --check

bench: install
	@ODZEW_ENV=demo $(BIN)/python manage.py bench

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: install
	$(BIN)/uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 --generate-hashes \
		pyproject.toml --output-file requirements.txt
	$(BIN)/uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 --generate-hashes \
		pyproject.toml --group dev --output-file requirements-dev.txt

# Needs gettext, as translators have it; the compiled catalogues are part of the repository.
messages: install
	ODZEW_ENV=test $(BIN)/python manage.py messages

# The scripts that host pages load are part of the repository: they are the same bytes on every machine.
widget: install
	ODZEW_ENV=test $(BIN)/python manage.py build_widget

# Needs Chromium and a running demo.
screenshots: install
	ODZEW_ENV=demo $(BIN)/python manage.py screenshots --url http://127.0.0.1:$(PORT)
