# 프뮤 profile-music. `make run` and `make test` set up everything they need in .venv.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PHOTO := examples/portrait.jpg
TEXT ?= 오늘 하루도 수고했어

.PHONY: run serve kakao-demo test check lint types imports licences supply wheel lock examples clean lambda-env bench-env test-aws test-scale test-train deploy

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

check: lint types imports licences ## What CI checks beside the tests

lint: $(VENV)/.dev
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(VENV)/.dev
	@$(BIN)/mypy

imports: $(VENV)/.dev
	@$(BIN)/lint-imports --no-cache

licences: $(VENV)/.dev
	@$(BIN)/python tools/licences.py --check

supply: $(VENV)/.dev ## The SBOM (dist/sbom.cdx.json), and known vulnerabilities where their database can be reached
	@$(BIN)/python tools/sbom.py
	@$(BIN)/python tools/audit.py

wheel: $(VENV)/.dev
	@rm -rf dist && $(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation -w dist .

examples: $(VENV)/.dev ## Rewrite docs/examples.md
	@$(BIN)/python tools/make_examples.py

lock: ## Rewrite the hash-pinned requirements (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements/base.txt pyproject.toml
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements/build.txt requirements/build.in
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -c requirements/base.txt --extra dev -o requirements/dev.txt pyproject.toml
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -c requirements/base.txt --extra lambda --extra kakao -o requirements/lambda.txt pyproject.toml
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -c requirements/base.txt --extra s3 --extra kakao --extra metrics --extra fast -o requirements/server.txt pyproject.toml
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -c requirements/dev.txt --extra dev --extra scale --extra ray -o requirements/scale.txt pyproject.toml
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -c requirements/dev.txt --extra bench -o requirements/bench.txt pyproject.toml
	$(BIN)/python tools/licences.py

# The Lambda image's environment, installed as deploy/lambda.Dockerfile installs it; Python 3.13 where there is one.
.venv-lambda/.done: requirements/lambda.txt requirements/build.txt pyproject.toml
	@rm -rf .venv-lambda
	@for python in python3.13 $(HOME)/.pyenv/versions/3.13.*/bin/python3.13 $(PYTHON) python3; do \
		if $$python --version >/dev/null 2>&1; then $$python -m venv .venv-lambda; break; fi; done
	@.venv-lambda/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/lambda.txt
	@.venv-lambda/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/build.txt
	@touch $@

lambda-env: .venv-lambda/.done ## The environment for the tests marked aws and benchmarks/cold_start.py
	@.venv-lambda/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --force-reinstall .

# One lock, one environment, our own package from this checkout.
.venv-bench/.done .venv-scale/.done: .venv-%/.done: requirements/%.txt requirements/build.txt pyproject.toml
	@rm -rf .venv-$*
	@$(PYTHON) -m venv .venv-$* || python3 -m venv .venv-$*
	@.venv-$*/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/$*.txt -r requirements/build.txt
	@.venv-$*/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

bench-env: .venv-bench/.done ## The environment for benchmarks/load.py (locust)

# The extras' own tests, each in an environment of its own.
test-aws: lambda-env $(VENV)/.dev ## The Lambda handlers under the real runtime client
	@$(BIN)/python -m pytest -q -m aws tests/aws

test-scale: .venv-scale/.done ## LanceDB and Ray
	@.venv-scale/bin/python -m pytest -q tests/index -m "scale or ray"

# Not locked: torch's builds differ from machine to machine, so their hashes do too.
.venv-train/.done: pyproject.toml
	@rm -rf .venv-train
	@$(PYTHON) -m venv .venv-train || python3 -m venv .venv-train
	@.venv-train/bin/python -m pip install --quiet --disable-pip-version-check -e ".[dev,train,sroberta]" "sentence-transformers>=5"
	@touch $@

test-train: .venv-train/.done ## Training, and parity with sentence-transformers (installs torch)
	@.venv-train/bin/python -m pytest -q tests/train tests/text -m train

deploy: ## Build the Lambda image, push it to ECR and deploy the stack (needs Docker, AWS credentials and the SAM CLI)
	sam build --template-file deploy/template.yaml
	sam deploy --guided --resolve-image-repos --resolve-s3 --capabilities CAPABILITY_IAM

clean:
	rm -rf $(VENV) .venv-lambda .venv-bench .venv-scale .venv-train dist
