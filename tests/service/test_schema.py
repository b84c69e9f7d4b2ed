"""schemathesis over the OpenAPI document: what it allows and what it does not, against the application itself."""

from __future__ import annotations

import json

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance
from starlette.testclient import TestClient

from profile_music import Settings
from profile_music.service.app import create_app

CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance]
ALLOWED = {200, 400, 404, 405, 408, 413, 415, 422}
OPERATIONS = [
    ("/v1/recommendations", "POST"),
    ("/v1/emotion", "POST"),
    ("/v1/emotion/heatmap", "POST"),
    ("/v1/songs", "POST"),
    ("/v1/config", "GET"),
    ("/healthz", "GET"),
    ("/readyz", "GET"),
]


@pytest.fixture(scope="module")
def app(recommender):
    made = create_app(Settings(), recommender)
    with TestClient(made):
        yield made


@pytest.fixture(scope="module")
def document(app):
    return schemathesis.openapi.from_asgi("/openapi.json", app)


def test_every_operation_of_the_document_is_tried(app) -> None:
    listed = {(path, method.upper()) for path, methods in app.openapi()["paths"].items() for method in methods}
    assert listed == set(OPERATIONS)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_the_api_keeps_to_its_document(document, path: str, method: str, mode: GenerationMode) -> None:
    operation = document[path][method]
    if mode is GenerationMode.NEGATIVE and method == "GET":
        pytest.skip("nothing can be wrong without a body")

    @settings(max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy(generation_mode=mode))
    def check(case) -> None:
        response = case.call()
        case.validate_response(response, checks=CHECKS)
        assert response.status_code in ALLOWED
        if response.status_code >= 400:
            error = json.loads(response.content)["error"]
            assert error["code"] and error["message"]["ko"] and error["message"]["en"]

    check()
