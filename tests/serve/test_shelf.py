from concurrent.futures import ThreadPoolExecutor

import pytest

from phototag.errors import UsageError
from phototag.handle import Library
from phototag.serve import shelf as shelves
from phototag.serve.question import Question, from_pairs
from phototag.serve.shelf import Shelf


def test_several_visitors_at_once(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelves, "LOOK_AGAIN_S", 0.0)
    monkeypatch.setattr(shelves, "ANSWERS_KEPT", 2)
    shelf = Shelf(library)
    questions = [
        from_pairs(pairs) for pairs in ([], [("q", "canon")], [("rating", "5")], [("like", "2024/IMG_0001.jpg")])
    ]
    expected = [shelf.page(question, 0, 50) for question in questions]

    def visit(number: int) -> bool:
        if number % 7 == 0:
            shelf._stamp = None  # a scan elsewhere has just ended
        question = questions[number % 4]
        shelf.counts(question)
        return shelf.page(question, 0, 50) == expected[number % 4]

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(visit, range(80)))
    assert len(shelf._answers) <= 2


def test_deeper_pages_sort_more(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelves, "FIRST_DEPTH", 4)
    shelf = Shelf(library)
    whole = [record.path for record in shelf.page(Question(), 0, 100)[0]]
    again = Shelf(library)
    pieces = [record.path for at in range(0, 37, 3) for record in again.page(Question(), at, 3)[0]]
    assert pieces == whole
    assert again.page(Question(), 1000, 10) == ([], 37)


def test_pictures_elsewhere_are_not_read(library: Library) -> None:
    shelf = Shelf(library)
    for text in ("like:/etc/passwd", "like:../../x.jpg", "sea + ./2024/IMG_0001.jpg", "like:~/x.jpg"):
        with pytest.raises(UsageError):
            shelf.page(Question(text=text), 0, 10)
