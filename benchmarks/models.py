"""The real models against the bare thing: CLIP scans against the session alone, RAM++ against a loop over its module.

CLIP is the one in the models folder (``phototag models fetch clip``); where there is none, it is one of the same size
with random weights, as RAM++ is: the arithmetic is the same.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import numpy as np
from PIL import Image

from benchmarks import random_clip
from benchmarks.rclip import rclip_rows
from benchmarks.row import Row, peak_mib, process, seconds, side_by_side
from benchmarks.scan_builtin import photo, scaled
from phototag.errors import PhototagError
from phototag.models import registry
from phototag.settings import Settings, load

COUNT = 64
TAGS = 1000
"""A vocabulary that a person might choose out of the 4,585."""


def rows(count: int = COUNT) -> list[Row]:
    """Return what can be measured here."""
    return [*clip(count), *ram()]


def clip(count: int) -> list[Row]:
    """Measure a scan with CLIP and a query in a fresh process."""
    with tempfile.TemporaryDirectory() as spare:
        try:
            name = registry.open_image_embedder("clip", load()).info.name
        except PhototagError:
            print("no CLIP was fetched: making one with random weights", file=sys.stderr)
            try:
                # In a process of its own, so that torch is not in the memory that is measured.
                subprocess.run([sys.executable, "-m", "benchmarks.random_clip", spare], check=True)
            except subprocess.CalledProcessError:
                print("CLIP is left out: it could not be made", file=sys.stderr)
                return []
            name = random_clip.NAME
            os.environ["PHOTOTAG_MODELS_DIR"] = spare  # for the processes that are started, too
        return measure_clip(name, count)


def measure_clip(name: str, count: int) -> list[Row]:
    """Measure scans and queries with the model ``name``."""
    settings = load()
    large = [photo(seed) for seed in range(4)]
    photos = {"12 MP": large, "2 MP": [small(one) for one in large]}
    with tempfile.TemporaryDirectory() as root:
        rows = []
        for what, made in photos.items():
            for number in range(count):
                with open(os.path.join(root, f"{number}.jpg"), "wb") as file:
                    file.write(made[number % len(made)])
            rows.append(scan_row(root, settings, name, count, what))
        rows += query_rows(root, name)
    return rows + rclip_rows(photos, name)


def small(data: bytes) -> bytes:
    """Return a photo at 2 megapixels."""
    out = io.BytesIO()
    with Image.open(io.BytesIO(data)) as image:
        image.resize((1632, 1224)).save(out, "JPEG", quality=88)
    return out.getvalue()


def scan_row(root: str, settings: Settings, name: str, count: int, what: str) -> Row:
    """Measure a whole scan, with tags, EXIF and sidecars, against the session on batches that are prepared already.

    The session is as ONNX Runtime makes it by default: all cores, workers that spin. Decoding needs the same cores,
    so the detail says what is left when both are done at their quickest, one after the other.
    """
    import onnxruntime as ort

    from phototag.library.tree import Tree
    from phototag.models.clip.folder import read_folder
    from phototag.scan.run import scan
    from phototag.scan.wanted import Wanted

    cache = os.path.join(root, ".cache")
    embedder = registry.open_image_embedder(name, settings)
    wanted = Wanted(embedders=[embedder], taggers=[registry.open_tagger("builtin", settings)], phash=True)
    visual = read_folder(embedder.info.name, settings).visual
    session = ort.InferenceSession(visual, providers=["CPUExecutionProvider"])
    asked = session.get_inputs()[0].name
    noise = np.random.default_rng(0).normal(size=(16, 3, embedder.side_px, embedder.side_px)).astype(np.float32)
    embedder.infer(list(noise))

    def forget() -> None:
        shutil.rmtree(cache, ignore_errors=True)
        for file in os.listdir(root):
            if file.endswith(".phototag") and file != ".phototag":
                os.unlink(os.path.join(root, file))

    def ours() -> None:
        assert scan(Tree(root, load(cache_dir=cache)), "", wanted).report.written == count

    def bare() -> None:
        for start in range(0, count, len(noise)):
            session.run(None, {asked: noise[: count - start]})

    def decode() -> None:
        paths = [os.path.join(root, f"{number}.jpg") for number in range(count)]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(lambda path: scaled(path, embedder.side_px), paths))

    mine, theirs, ratio = side_by_side(ours, bare, runs=3, before=forget)
    decoding = min(seconds(decode) for _ in range(2))
    detail = (
        f"{count / mine:.1f} images/s, session alone {count / theirs:.1f}, decoding alone {count / decoding:.1f}, "
        f"one after the other {count / (theirs + decoding):.1f}; peak {peak_mib():.0f} MiB"
    )
    return Row(f"scan, CLIP, {what} JPEG", 1 / ratio, 0.95, at_least=True, detail=detail)


def query_rows(root: str, name: str) -> list[Row]:
    """Measure a query in a fresh process against one that only imports, loads the text tower and runs it.

    The tower is first ours, then the same file as ONNX Runtime loads it when nothing is asked of it.
    """
    command = [sys.executable, "-m", "phototag"]
    process([*command, "scan", root, "--embedder", name, "-q"])()
    imports = "import onnxruntime, numpy, faiss, pyarrow; from phototag.settings import load"
    tower = f"from phototag.models import registry; registry.open_text_embedder({name!r}, load()).embed_text(['a dog'])"
    plain = (
        f"from phototag.models.clip.folder import read_folder; path = read_folder({name!r}, load()).textual;"
        "session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider']); given = session.get_inputs()[0];"
        "kind = numpy.int32 if 'int32' in given.type else numpy.int64;"
        "session.run(None, {given.name: numpy.full((1, 77), 49407, kind)})"
    )
    ours = process([*command, "query", "--library", root, "a dog", "--json"])
    made = []
    for what, code in (("", tower), (", tower loaded plainly", plain)):
        mine, theirs, ratio = side_by_side(ours, process([sys.executable, "-c", f"{imports}; {code}"]), runs=7)
        detail = f"{mine:.2f} s, imports and text tower {theirs:.2f} s"
        made.append(Row(f"query TEXT, fresh process{what}", ratio, 1.11, detail=detail))
    return made


def ram() -> list[Row]:
    """Measure RAM++ through its adapter against a loop over the module, and with fewer tags."""
    if find_spec("torch") is None:
        print("RAM++ is left out: torch is not installed", file=sys.stderr)
        return []
    import torch

    from phototag.models.ram_plus import decoder
    from phototag.models.ram_plus.checkpoint import Dimensions
    from phototag.models.ram_plus.folder import Config, RamFolder
    from phototag.models.ram_plus.tagger import RamTagger
    from phototag.models.ram_plus.vocabulary import choose
    from phototag.models.registry import Options

    dims = Dimensions()
    folder = RamFolder("ram_plus", "", "", Config(), tuple(map(str, range(dims.classes))), (0.65,) * dims.classes)
    tagger = RamTagger(folder, choose(folder, Options()), Settings(device="cpu"), Options())
    torch.manual_seed(0)
    model = decoder.RamPlus(dims).eval().requires_grad_(False)
    tagger._loaded = (model, torch.device("cpu"), torch.float32)
    image = np.random.default_rng(0).normal(size=(3, dims.image_size, dims.image_size)).astype(np.float32)
    inputs = torch.from_numpy(image)[None]

    def bare() -> None:
        with torch.inference_mode():
            model(inputs)

    mine, theirs, ratio = side_by_side(lambda: tagger.infer([image]), bare, runs=3)
    some = model.label_embed.view(dims.classes, dims.per_class, -1)[:TAGS].flatten(0, 1)
    decoder.with_labels(model, some, TAGS)
    fewer, _, _ = side_by_side(bare, bare, runs=3)
    detail = f"{1 / mine:.2f} images/s for {dims.classes} tags, {1 / fewer:.2f} for {TAGS}; bare loop {1 / theirs:.2f}"
    return [Row("RAM++, CPU", 1 / ratio, 0.95, at_least=True, detail=detail)]
