"""The search box speaks the query language."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from phototag.handle import Library
from phototag.serve.question import from_pairs
from phototag.serve.shelf import Shelf


def asked(client: TestClient, text: str, **more: str) -> set[str]:
    answer = client.get("/api/photos", params={"q": text, "limit": "1000", **more})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["total"] == len(found["images"])
    return {image["path"] for image in found["images"]}


def test_filters_in_the_box_narrow_as_those_beside_it(client: TestClient) -> None:
    by_box, beside = asked(client, "camera:canon rating:>=5"), asked(client, "camera:canon", rating="5")
    assert by_box == beside == {"2024/IMG_0001.jpg"}
    assert asked(client, "rating:5 OR path:turned.jpg") == {"2024/IMG_0000.jpg", "2024/IMG_0001.jpg", "turned.jpg"}
    assert asked(client, "quoted -camera:canon") == {"2024/IMG_0000.jpg"}


def test_filters_alone_do_not_rank(client: TestClient) -> None:
    found = client.get("/api/photos", params={"q": "camera:canon"}).json()["images"]
    assert [image["taken"] for image in found] == sorted((image["taken"] for image in found), reverse=True)
    assert "score" not in found[0]
    assert "Best match" not in client.get("/", params={"q": "camera:canon"}).text
    assert "Best match" in client.get("/", params={"q": "canon"}).text


def test_like_in_the_box_ranks(client: TestClient) -> None:
    found = client.get("/api/photos", params={"q": "like:2024/IMG_0001.jpg"}).json()["images"]
    assert found[0]["score"] >= found[-1]["score"]
    assert "2024/IMG_0001.jpg" not in {image["path"] for image in found}


def test_counts_are_of_what_the_box_asks(library: Library) -> None:
    counts = Shelf(library).counts(from_pairs([("q", "camera:canon")]))
    assert [facet.value for facet in counts.facets.cameras] == ["Canon EOS 80D"]


@pytest.mark.parametrize("path", ["/", "/tiles", "/api/photos"])
def test_mistakes_are_shown_where_they_are(client: TestClient, path: str) -> None:
    answer = client.get(path, params={"q": "beach tga:<x>"})
    assert answer.status_code == 400
    assert "there is no filter tga:" in answer.text
    if path == "/":
        assert "<code>beach <mark>tga:&lt;x&gt;</mark></code>" in answer.text


def test_paths_on_this_machine_mean_nothing_in_the_box(client: TestClient) -> None:
    answer = client.get("/", params={"q": "sea + /etc/passwd"})
    assert answer.status_code == 400
