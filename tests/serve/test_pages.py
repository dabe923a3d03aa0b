import html
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from phototag.cli.main import run
from phototag.clustering.labels import rename_edits
from phototag.clustering.protocol import Options
from phototag.clustering.run import Choice, make_run
from phototag.handle import Library
from phototag.index.record import ImageRecord
from phototag.serve import pages, present
from phototag.serve.access import Access
from tests import make
from tests.clustering import library_made
from tests.serve.conftest import ODD_NAMES, client_of


class Page(HTMLParser):
    """The elements of a page, with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def page(client: TestClient, path: str = "/") -> Page:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return Page(answer.text)


def thumbs(found: Page) -> list[dict[str, str | None]]:
    return [image for image in found.all("img") if (image["src"] or "").startswith("/thumb/")]


def test_the_grid_works_without_a_script(client: TestClient) -> None:
    found = page(client)
    images = thumbs(found)
    assert len(images) == 37
    assert all(image["alt"] and image["loading"] == "lazy" and image["width"] and image["height"] for image in images)
    assert "37 photos" in client.get("/").text


def test_nothing_inline_and_nothing_from_outside(client: TestClient) -> None:
    for path in ("/", "/photo/2024/IMG_0000.jpg?at=0", "/?tag=none-such", "/nothing-here"):
        text = client.get(path).text
        found = Page(text)
        for tag, attributes in found.found:
            assert "style" not in attributes, (path, tag)
            assert not [name for name in attributes if name.startswith("on")], (path, tag)
            for name in ("src", "href", "action", "srcset"):
                for target in (attributes.get(name) or "").split(","):
                    assert not target.strip().startswith(("http:", "https:", "//", "javascript:", "data:")), (
                        path,
                        target,
                    )
        assert "<style" not in text
        assert all(script.get("src") for script in found.all("script"))


def test_what_the_owner_wrote_is_escaped(client: TestClient) -> None:
    for path in ("/", "/photo/2024/IMG_0000.jpg?at=3", "/?q=swim"):
        text = client.get(path).text
        assert "<script>alert" not in text
        assert "alert(1)" in text
    assert "&lt;sea&gt;" in client.get("/photo/2024/IMG_0000.jpg").text


def test_pages_without_a_script(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PAGE", 10)
    seen: list[str] = []
    path = "/"
    while path:
        found = page(client, path)
        seen += [image["src"] or "" for image in thumbs(found)]
        path = next((link["href"] or "" for link in found.all("a") if link.get("rel") == "next"), "")
    assert len(seen) == len(set(seen)) == 37
    back = page(client, "/?offset=20")
    assert [link["href"] for link in back.all("a") if link.get("rel") == "prev"] == ["/?offset=10"]


def test_tiles_continue_where_the_page_ended(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PAGE", 12)
    whole = thumbs(page(client, "/tiles?offset=0")) + thumbs(page(client, "/tiles?offset=12"))
    monkeypatch.setattr(pages, "PAGE", 24)
    assert [image["src"] for image in whole] == [image["src"] for image in thumbs(page(client, "/tiles?offset=0"))]
    assert thumbs(page(client, "/tiles?offset=9999")) == []


def test_headings_are_not_repeated_across_pages(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(present, "MONTH_LEAST", 1)
    monkeypatch.setattr(pages, "PAGE", 7)
    headings: list[str] = []
    for offset in range(0, 37, 7):
        headings += re.findall(r"<h2 id=[^>]*>([^<]*)</h2>", client.get(f"/tiles?offset={offset}&has=date").text)
    assert headings == ["June 2024", "May 2024", "April 2024", "March 2024", "February 2024", "January 2024"]


def test_filters_are_links_with_counts(client: TestClient) -> None:
    text = client.get("/").text
    assert "camera=Canon" in text
    chosen = page(client, "/?camera=Canon%20EOS%2080D")
    assert len(thumbs(chosen)) == 15
    assert [link["href"] for link in chosen.all("a") if link.get("aria-current") == "true" and link["href"] == "/"]
    chips = [link for link in chosen.all("a") if link.get("class") == "chip"]
    assert [chip["href"] for chip in chips] == ["/"]


def test_a_cluster_is_called_by_its_name(tmp_path: Path) -> None:
    root = tmp_path / "photos"
    elsewhere = library_made.make(root)
    made = make_run(elsewhere.index(), Choice(options=Options(min_size=5)), now_ms=1_790_000_000_000)
    elsewhere.decide("cluster", "test", [made.edit])
    elsewhere.decide("rename", "test", rename_edits(made.document, {0: "By the sea"}))
    with client_of(Library.open(str(root)), Access("127.0.0.1")) as client:
        for number, name in ((0, "By the sea"), (-1, "none")):
            text = client.get(f"/?cluster={number}").text
            assert f'<span class="kind">cluster</span> <span class="value" title="{name}"' in text
        assert 'title="77"' in client.get("/?cluster=77").text


def test_filters_of_a_large_library_come_after_the_photos(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "COUNTED_AT_ONCE", 10)
    text = client.get("/?rating=5").text
    assert 'data-load="/filters?rating=5"' in text
    assert "Cameras" not in text
    alone = client.get("/filters?rating=5&fragment=1").text
    assert "Cameras" in alone
    assert "<html" not in alone
    assert "Back to the photos" in client.get("/filters?rating=5").text


def test_ratings_places_and_dates(client: TestClient) -> None:
    assert len(thumbs(page(client, "/?rating=5"))) == 2
    assert len(thumbs(page(client, "/?after=2024-02&before=2024-03"))) == 5
    assert len(thumbs(page(client, "/?path=odd&path=turned.jpg"))) == 6


def test_search_keeps_the_filters(client: TestClient) -> None:
    found = page(client, "/?q=swim&rating=5")
    assert len(thumbs(found)) == 1
    hidden = [field for field in found.all("input") if field.get("type") == "hidden"]
    assert [(field["name"], field["value"]) for field in hidden] == [("rating", "5")]
    box = next(field for field in found.all("input") if field.get("name") == "q")
    assert box["value"] == "swim"


def test_the_search_box_speaks_the_query_language(client: TestClient) -> None:
    assert len(thumbs(page(client, "/?q=rating%3A5"))) == 2
    assert len(thumbs(page(client, "/?q=camera%3Anikon+path%3A2024"))) == 15
    assert len(thumbs(page(client, "/?q=rating%3A5+-camera%3Anikon"))) == 1
    assert thumbs(page(client, "/?q=like%3A2024/IMG_0001.jpg"))
    answer = client.get("/?q=rating%3A")
    assert answer.status_code == 400
    assert 'value="rating:"' in answer.text


def test_ranked_photos_in_another_order(client: TestClient) -> None:
    def paths(query: str) -> list[str]:
        return [image["path"] for image in client.get(f"/api/photos?{query}&limit=100").json()["images"]]

    ranked, newest = paths("q=canon"), paths("q=canon&sort=-taken")
    assert sorted(newest) == sorted(ranked)
    assert ranked != newest


def test_no_photo_matches(client: TestClient) -> None:
    answer = client.get("/?q=zebracorn")
    assert answer.status_code == 200
    assert "No photo matches" in answer.text
    assert "Did you mean" not in answer.text
    assert "Did you mean <code>camera:" in client.get("/?q=camera:%22cannon+eos+80d%22").text


@pytest.mark.parametrize(
    "query", ["rating=many", "after=someday", "min-score=x", "q=./secret.jpg", "like=none.jpg", "has=soul"]
)
def test_a_question_without_sense_is_explained(client: TestClient, query: str) -> None:
    answer = client.get(f"/?{query}")
    assert answer.status_code == 400
    assert "Show all photos" in answer.text or "That did not work" in answer.text
    assert client.get(f"/api/photos?{query}").json()["error"]


def test_the_photo_page_tells_all(client: TestClient) -> None:
    text = html.unescape(client.get("/photo/2024/IMG_0000.jpg").text)
    for words in (
        "Nikon Z 6",
        "240 × 360",
        "33.87",
        "5 of 5 stars",
        "a 'quoted' swim",
        "builtin",
        "xxh3-128:",
    ):
        assert words in text, words
    assert "tag added: holiday" in text
    assert "rating: 5" in text
    assert "you, on the device" in text


def test_neighbours_follow_the_answer(client: TestClient) -> None:
    first = page(client, "/?rating=5")
    links = [link["href"] or "" for link in first.all("a") if (link["href"] or "").startswith("/photo/")]
    one = page(client, links[0])
    assert [link["href"] for link in one.all("a") if link.get("rel") == "next"] == [links[1]]
    assert not [link for link in one.all("a") if link.get("rel") == "prev"]
    two = page(client, links[1])
    assert [link["href"] for link in two.all("a") if link.get("rel") == "prev"] == [links[0]]
    assert "2 of 2" in client.get(links[1]).text


def test_a_photo_is_found_again_where_the_library_has_changed(client: TestClient) -> None:
    """The page says where the photo stood when it was made; photos have come since."""
    asked = "?sort=path"
    shown = client.get(f"/photo/2024/IMG_0005.jpg{asked}&at=17").text
    assert "6 of 37" in shown
    one = Page(shown)
    assert [link["href"] for link in one.all("a") if link.get("rel") == "next"] == [
        f"/photo/2024/IMG_0006.jpg{asked}&at=6"
    ]
    assert "of 37" not in client.get("/photo/turned.jpg?q=canon&at=2").text, "it is not in this answer"


def test_what_photos_share_leads_to_the_others(client: TestClient) -> None:
    found = page(client, "/photo/2024/IMG_0001.jpg")
    links = {link["href"] for link in found.all("a")}
    for address in ("/?place=Nice", "/?place=FR", "/?camera=Canon%20EOS%2080D", "/?path=2024"):
        assert address in links, address
        assert len(thumbs(page(client, address))) == 15 if "path" not in address else 30
    assert [link for link in found.all("a") if link.get("data-country") == "FR"]


def test_a_page_of_photos_says_how_many_there_are(client: TestClient) -> None:
    assert client.get("/tiles?offset=0").headers["x-phototag-total"] == "37"
    assert client.get("/tiles?rating=5").headers["x-phototag-total"] == "2"


def test_a_mistake_is_shown_once(client: TestClient) -> None:
    assert client.get("/?q=tag:(").text.count("<mark>") == 1


def test_a_fragment_is_the_panel_alone(client: TestClient) -> None:
    text = client.get("/photo/2024/IMG_0001.jpg?at=0&fragment=1").text
    assert text.lstrip().startswith("<article")
    assert "<html" not in text


def test_more_like_this(client: TestClient) -> None:
    found = page(client, "/?like=2024/IMG_0001.jpg")
    images = thumbs(found)
    assert images
    assert not [image for image in images if "IMG_0001" in (image["src"] or "")]


def test_json_is_the_record_of_the_command_line(client: TestClient, library: Library) -> None:
    answer = client.get("/api/photos?rating=5&limit=1").json()
    assert (answer["total"], answer["offset"], len(answer["images"])) == (2, 0, 1)
    assert set(ImageRecord.__struct_fields__) - {"score", "path_bytes", "title", "trouble", "cluster"} <= set(
        answer["images"][0]
    )
    one = client.get("/api/photo/2024/IMG_0000.jpg").json()
    assert one["path"] == "2024/IMG_0000.jpg"
    assert one["user_tags"] == ['holiday "2024" & <sea>']
    ranked = client.get("/api/photos?q=swim").json()["images"]
    assert ranked[0]["score"] > 0
    odd = client.get("/api/photo/" + quote(os.fsencode("odd/" + ODD_NAMES[3]))).json()
    assert odd["path_bytes"]


def test_only_reading(client: TestClient) -> None:
    for path in ("/", "/photo/2024/IMG_0001.jpg", "/api/photos"):
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            assert client.request(method, path).status_code == 405


def test_a_scan_elsewhere_is_picked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from phototag.serve import shelf

    monkeypatch.setattr(shelf, "LOOK_AGAIN_S", 0.0)
    make.photos(tmp_path, 2)
    assert run(["scan", str(tmp_path), "-q"]) == 0
    with client_of(Library.open(str(tmp_path)), Access("127.0.0.1")) as client:
        assert client.get("/api/photos").json()["total"] == 2
        make.jpeg(tmp_path / "new.jpg", seed=9)
        assert run(["scan", str(tmp_path), "-q"]) == 0
        assert client.get("/api/photos").json()["total"] == 3
        (tmp_path / "new.jpg").unlink()
        (tmp_path / "new.jpg.phototag").unlink()
        assert run(["index", "refresh", str(tmp_path), "-q"]) == 0
        assert client.get("/api/photos").json()["total"] == 2


def test_an_empty_library_says_what_to_do(tmp_path: Path) -> None:
    assert run(["init", str(tmp_path), "-q"]) == 0
    with client_of(Library.open(str(tmp_path)), Access("127.0.0.1")) as client:
        assert "phototag scan" in client.get("/").text
