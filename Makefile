# 프뮤 profile-music. `make run` and `make test` set up everything they need in .venv.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PHOTO := examples/portrait.jpg
TEXT ?= 오늘 하루도 수고했어

.PHONY: run serve kakao-demo test check lint types imports wheel lock examples clean

# pip checks every file against the hashes in the lock; our own package is installed without its dependencies.
$(VENV)/.run: requirements/base.txt requirements/build.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || python3 -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/base.txt -r requirements/build.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

run: $(VENV)/.run ## Recommend for the example photo and a text
	@echo '$$ profile-music recommend $(PHOTO) --text "$(TEXT)"'
	@$(BIN)/profile-music recommend $(PHOTO) --text "$(TEXT)"
	@echo
	@echo '내 사진으로:  $(BIN)/profile-music recommend 사진.jpg --text "하고 싶은 말"'
	@echo '웹 페이지로:  make serve   (http://127.0.0.1:8000)'

serve: $(VENV)/.run ## Serve the web page and the HTTP API
	@$(BIN)/profile-music serve

kakao-demo: $(VENV)/.dev ## Try Kakao Login and the chatbot against a stand-in on this machine
	@$(BIN)/python -m tests.kakao.demo

test: $(VENV)/.dev ## Set up and run the tests
	@$(BIN)/python -m pytest

check: lint types imports ## What CI checks beside the tests

lint: $(VENV)/.dev
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(VENV)/.dev
	@$(BIN)/mypy

imports: $(VENV)/.dev
	@$(BIN)/lint-imports --no-cache

wheel: $(VENV)/.dev
	@rm -rf dist && $(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation -w dist .

examples: $(VENV)/.dev ## Rewrite docs/examples.md
	@$(BIN)/python tools/make_examples.py

lock: ## Rewrite the hash-pinned requirements (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements/base.txt pyproject.toml
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements/build.txt requirements/build.in
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -c requirements/base.txt --extra dev -o requirements/dev.txt pyproject.toml

clean:
	rm -rf $(VENV) dist
