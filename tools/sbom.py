"""Write a CycloneDX 1.6 SBOM: the locked packages of one installation, the model files and the bundled catalogue.

    python tools/sbom.py [--lock server] [--out dist/sbom.cdx.json]

A package stands with the SHA-256 of every file that its lock accepts, a model or catalogue file with its own. Nothing
is installed or fetched; the same tree gives the same document.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from licences import ROOT, listed, pins_of
from packageurl import PackageURL

from profile_music._version import __version__
from profile_music.checksums import sha256_file
from profile_music.recommender import bundled_catalog_dir
from profile_music.runtime.models import bundled_models_dir, load_manifest

_BLOCK = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)[^\n]*\n((?:    --hash=sha256:[0-9a-f]{64}.*\n?)+)", re.MULTILINE)


def main() -> None:
    """Make the document, check it against CycloneDX's schema and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lock", default="server", help="which requirements/*.txt (default server)")
    parser.add_argument("--out", type=Path, default=ROOT / "dist" / "sbom.cdx.json")
    options = parser.parse_args()
    text = document(options.lock)
    if problem := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise SystemExit(f"not valid CycloneDX: {problem}")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(text, encoding="utf-8")
    sys.stdout.write(f"{options.out}: {len(json.loads(text)['components'])} components\n")


def document(lock: str) -> str:
    """Return the SBOM of one lock as JSON, without time and serial number."""
    bom = Bom(components=[*_packages(lock), *_models(), *_catalogue()])
    bom.metadata.component = Component(
        type=ComponentType.APPLICATION, name="profile-music", version=__version__, licenses=_licence("MIT"),
        purl=PackageURL("pypi", name="profile-music", version=__version__), bom_ref="profile-music",
    )  # fmt: skip
    bom.register_dependency(bom.metadata.component, bom.components)
    body = json.loads(JsonV1Dot6(bom).output_as_string())
    del body["serialNumber"], body["metadata"]["timestamp"]
    return json.dumps(body, ensure_ascii=False, indent=1) + "\n"


def _packages(lock: str) -> Iterator[Component]:
    licences, markers = listed(), pins_of(lock)
    text = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
    for name, version, block in _BLOCK.findall(text):
        pin = (name.lower(), version)
        purl = PackageURL("pypi", name=pin[0], version=version)
        files = ExternalReference(
            type=ExternalReferenceType.DISTRIBUTION, url=XsUri(str(purl)), comment="any one of these files",
            hashes=[_sha256(digest) for digest in re.findall(r"sha256:([0-9a-f]{64})", block)],
        )  # fmt: skip
        only_where = [Property(name="profile-music:marker", value=markers[pin])] if markers[pin] else []
        yield Component(
            name=pin[0], version=version, purl=purl, bom_ref=str(purl), licenses=_licence(licences.get(pin, "")),
            external_references=[files], properties=only_where,
        )  # fmt: skip


def _models() -> Iterator[Component]:
    for spec in load_manifest().values():
        if sha256_file(bundled_models_dir() / spec.file) != spec.sha256:
            raise SystemExit(f"{spec.file} differs from the manifest")
        yield Component(
            type=ComponentType.MACHINE_LEARNING_MODEL, name=spec.name, description=spec.description or None,
            hashes=[_sha256(spec.sha256)], licenses=_licence(spec.licence), bom_ref=f"model:{spec.name}",
            properties=[
                Property(name="profile-music:file", value=f"models/{spec.file}"),
                Property(name="profile-music:source", value=spec.source),
            ],
        )  # fmt: skip


def _catalogue() -> Iterator[Component]:
    manifest = json.loads((bundled_catalog_dir() / "manifest.json").read_text(encoding="utf-8"))
    for name, entry in sorted(manifest["files"].items()):
        yield Component(
            type=ComponentType.DATA, name=f"catalogue {name}", hashes=[_sha256(entry["sha256"])],
            licenses=_licence("CC-BY-4.0"), bom_ref=f"catalogue:{name}",
            properties=[Property(name="profile-music:file", value=f"catalog/bundled/{entry['path']}")],
        )  # fmt: skip


def _sha256(digest: str) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=digest)


def _licence(text: str) -> list[DisjunctiveLicense | LicenseExpression]:
    return [LicenseFactory().make_from_string(text)] if text else []


if __name__ == "__main__":
    main()
