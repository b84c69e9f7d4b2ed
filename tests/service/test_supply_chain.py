"""What the product is made of: no pickle anywhere, locks with hashes, an SBOM, licences of every dependency."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [path for folder in ("src", "tools", "benchmarks") for path in sorted((ROOT / folder).rglob("*.py"))]
UNPICKLERS = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


def calls(tree: ast.AST) -> list[tuple[str, ast.Call]]:
    """Every call as written, such as ("np.load", node)."""
    return [(ast.unparse(node.func), node) for node in ast.walk(tree) if isinstance(node, ast.Call)]


def keyword(call: ast.Call, name: str) -> object:
    return next((getattr(kept.value, "value", None) for kept in call.keywords if kept.arg == name), None)


def unpickling(path: Path) -> list[str]:
    """What in a source file could run code that a data file brings along."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = [
        (alias.name if isinstance(node, ast.Import) else node.module or "") for node in imports for alias in node.names
    ]
    found = [name for name in names if name.split(".")[0] in UNPICKLERS]
    for name, call in calls(tree):
        plain_array = name in ("np.load", "numpy.load") and keyword(call, "allow_pickle") is not False
        if (
            (plain_array and not path.is_relative_to(ROOT / "benchmarks"))
            or (name == "torch.load" and keyword(call, "weights_only") is not True)
            or keyword(call, "allow_pickle") is True
            or name in ("yaml.load", "yaml.unsafe_load", "eval", "exec")
        ):
            found.append(ast.unparse(call))
    return found


def test_nothing_is_unpickled() -> None:
    assert len(SOURCES) > 150
    assert {str(path.relative_to(ROOT)): found for path in SOURCES if (found := unpickling(path))} == {}


def test_the_search_for_unpickling_finds_it(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("import pickle\nimport numpy as np\nnp.load('a')\nnp.load('a', allow_pickle=True)\neval('1')\n")
    assert len(unpickling(bad)) == 4


class Trap:
    """Unpickled, it would leave a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


def test_a_pickle_that_poses_as_an_array_is_refused(tmp_path: Path) -> None:
    from profile_music.errors import CatalogDamagedError, ModelError
    from profile_music.index.catalog import CatalogFiles
    from profile_music.recommender import bundled_catalog_dir
    from profile_music.text.embedded import EmbeddedEncoder

    trap = np.array([Trap(tmp_path / "sprung")], dtype=object)
    np.savez(tmp_path / "text.npz", meta=trap)
    with pytest.raises(ModelError):
        EmbeddedEncoder.load(tmp_path / "text.npz")
    catalog = Path(shutil.copytree(bundled_catalog_dir(), tmp_path / "catalog"))
    entry = json.loads((catalog / "manifest.json").read_text(encoding="utf-8"))["files"]["years.npy"]
    np.save(catalog / entry["path"], trap)
    with pytest.raises(CatalogDamagedError):
        CatalogFiles(catalog, verify=False)
    assert not (tmp_path / "sprung").exists()


def test_kiwis_reading_survives_its_cache(tmp_path: Path) -> None:
    from profile_music.train.text_kiwi import Morphemes, load_reading, save_reading

    vectors = np.arange(6, dtype=np.float32).reshape(2, 3)
    part = ((1, "가", "VV"), (2, "ᆫ", "ETM"))
    reading = (
        Morphemes(["", "가"], ["NNG", "VV"], vectors, vectors + 1),
        Counter({("간", True, part): 3, ("간", False, part): 1}),
        [("간", part)],
        vectors * 2,
    )
    save_reading(tmp_path / "kiwi.npz", reading)
    morphemes, counts, inflected, associations = load_reading(tmp_path / "kiwi.npz")
    assert (morphemes.forms, morphemes.tags) == (["", "가"], ["NNG", "VV"])
    assert np.array_equal(morphemes.output, vectors + 1)
    assert (counts, inflected) == (reading[1], reading[2])
    assert np.array_equal(associations, vectors * 2)


def run_tool(name: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "tools" / name), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def test_the_page_of_licences_is_complete() -> None:
    done = run_tool("licences.py", "--check")
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_the_sbom_names_every_package_and_model(tmp_path: Path) -> None:
    from profile_music.runtime import load_manifest

    done = run_tool("sbom.py", "--out", str(tmp_path / "sbom.json"))  # it checks itself against CycloneDX's schema
    assert done.returncode == 0, done.stderr
    body = json.loads((tmp_path / "sbom.json").read_text(encoding="utf-8"))
    assert (body["bomFormat"], body["specVersion"]) == ("CycloneDX", "1.6")
    kinds = Counter(component["type"] for component in body["components"])
    lock = (ROOT / "requirements" / "server.txt").read_text(encoding="utf-8")
    assert kinds["library"] == lock.count("==")
    models = {c["name"]: c for c in body["components"] if c["type"] == "machine-learning-model"}
    assert {name: [entry["content"] for entry in model["hashes"]] for name, model in models.items()} == {
        spec.name: [spec.sha256] for spec in load_manifest().values()
    }
    libraries = [component for component in body["components"] if component["type"] == "library"]
    assert all(component["externalReferences"][0]["hashes"] for component in libraries)
    assert all(component["licenses"] for component in libraries)


def test_an_audit_without_an_answer_does_not_pass_for_a_clean_one(monkeypatch, capsys) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import audit

    known = {"name": "a", "version": "1", "vulns": []}
    skipped = {"name": "b", "skip_reason": "not found"}
    wrong = {"name": "c", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]}
    assert audit.report("server", [skipped]) == 0
    assert "NOT audited" in capsys.readouterr().out
    assert audit.report("server", [known, skipped]) == 0
    assert "1 audited, 1 unknown to it, 0 vulnerabilities" in capsys.readouterr().out
    assert audit.report("server", [known, wrong]) == 1
    assert "c 2: CVE-1, fixed in: 3" in capsys.readouterr().out
