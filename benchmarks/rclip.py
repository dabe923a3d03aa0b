"""Indexing with CLIP against rclip (https://github.com/yurijmikhalevich/rclip): whole commands, same photos, same ONNX file.

rclip is no dependency: install it anywhere and name the command in ``RCLIP``; else its rows are left out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile

from benchmarks.row import Row, process, side_by_side
from phototag.models.clip.folder import read_folder
from phototag.settings import load

COUNT = 192
_FOLDER = "ViT-B-32-256-datacomp_s34b_b86k"
"""Where rclip 3 looks for its model; a file that is there is not fetched."""
_TOKENS = "bpe_simple_vocab_16e6.txt.gz"


def rclip_rows(photos: dict[str, list[bytes]], name: str, count: int = COUNT) -> list[Row]:
    """Measure ``phototag scan --embedder`` against rclip on ``photos`` {what they are: files}; ours writes sidecars too."""
    command = os.environ.get("RCLIP") or shutil.which("rclip")
    if not command:
        print("rclip is left out: it is not installed (name it in RCLIP)", file=sys.stderr)
        return []
    with tempfile.TemporaryDirectory() as data:
        _lend_model(name, data)
        return [_row(command, data, what, files, name, count) for what, files in photos.items()]


def _lend_model(name: str, data: str) -> None:
    folder = read_folder(name, load())
    for part in (_FOLDER, "tokenizer"):
        os.mkdir(os.path.join(data, part))
    os.symlink(folder.visual, os.path.join(data, _FOLDER, "visual.onnx"))
    os.symlink(folder.textual, os.path.join(data, _FOLDER, "textual.onnx"))
    os.symlink(os.path.join(os.path.dirname(folder.textual), _TOKENS), os.path.join(data, "tokenizer", _TOKENS))


def _row(command: str, data: str, what: str, files: list[bytes], name: str, count: int) -> Row:
    with tempfile.TemporaryDirectory() as root:
        for number in range(count):
            with open(os.path.join(root, f"{number}.jpg"), "wb") as file:
                file.write(files[number % len(files)] + number.to_bytes(4, "big"))  # rclip runs equal files once

        def forget() -> None:
            for path in (os.path.join(root, one) for one in os.listdir(root) if "phototag" in one):
                shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
            for path in (os.path.join(data, one) for one in os.listdir(data) if one.startswith("db.sqlite3")):
                os.unlink(path)

        def theirs() -> None:
            subprocess.run(
                [command, "-t", "3", "a dog"],
                cwd=root,
                env={**os.environ, "RCLIP_DATADIR": data},
                check=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

        ours = process([sys.executable, "-m", "phototag", "scan", root, "--embedder", name, "-q"])
        mine, other, ratio = side_by_side(ours, theirs, runs=3, before=forget)
    detail = f"{mine:.1f} s for {count} photos, rclip {other:.1f} s; both as whole commands"
    return Row(f"scan, CLIP, {what} JPEG, against rclip", 1 / ratio, 1.0, at_least=True, detail=detail)
