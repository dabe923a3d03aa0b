"""What ``models fetch`` can get: where each file is, what it must be, and under which licence.

Hashes come from public records and are checked on every fetch. A file without one is pinned on its first fetch and
said to be so (``weights``). A model that is not listed works as well: put its files into its folder.
"""

from __future__ import annotations

import msgspec

from phototag.models.registry import EMBED, FACES, TAG


class File(msgspec.Struct, frozen=True):
    """One file of a model's folder."""

    path: str
    """Relative to the folder."""
    url: str = ""
    """Empty: ``text`` is written, or it comes out of ``archive``."""
    size: int = 0
    """Bytes; 0: not known before the first fetch."""
    near: int = 0
    """Bytes, roughly, where ``size`` is not known: for the list and the progress bar."""
    sha256: str = ""
    """Empty: not known before the first fetch."""
    text: str = ""
    """Content of a small file that phototag itself brings."""
    archive: str = ""
    """Path of the ZIP among the files that holds it."""
    optional: bool = False
    """Done without where the server has none."""


class Entry(msgspec.Struct, frozen=True):
    """One model that can be fetched."""

    name: str
    task: str
    about: str
    license: str
    files: tuple[File, ...]
    non_commercial: bool = False
    """The person must agree before it is fetched."""
    terms: str = ""
    """Where the licence is written."""

    @property
    def size(self) -> int:
        """Return the bytes to download, as far as they are known."""
        return sum(file.size or file.near for file in self.files if file.url)

    @property
    def archives(self) -> set[str]:
        """Return the paths of the ZIPs that other files come out of; they are not kept."""
        return {file.archive for file in self.files if file.archive}


_HUB = "https://huggingface.co"
_RCLIP = f"{_HUB}/yurijmikhalevich/rclip-models/resolve/main"
_OPEN_CLIP_TERMS = "https://github.com/mlfoundations/open_clip/blob/main/LICENSE"
_DATACOMP = "ViT-B-32-256-datacomp_s34b_b86k"
_RAM = (
    "https://raw.githubusercontent.com/xinyu1205/recognize-anything/7cb804a8609e9f4b1a50b7f31436d2df40bb9481/ram/data"
)
_CLIP_CONFIG = """{"model_cfg": {"embed_dim": 512, "vision_cfg": {"image_size": 256},
 "text_cfg": {"context_length": 77, "vocab_size": 49408}},
 "preprocess_cfg": {"size": [256, 256], "mean": [0.48145466, 0.4578275, 0.40821073],
 "std": [0.26862954, 0.26130258, 0.27577711], "interpolation": "bicubic", "resize_mode": "shortest"}}
"""


def _immich(repository: str, about: str, *, terms: str, visual: int, textual: int) -> Entry:
    """Return the entry of one of Immich's exports; ``visual`` and ``textual`` are about so many bytes."""
    base = f"{_HUB}/immich-app/{repository}/resolve/main"
    names = (
        "visual/model.onnx",
        "visual/preprocess_cfg.json",
        "textual/model.onnx",
        "textual/tokenizer.json",
        "config.json",
    )
    near = {"visual/model.onnx": visual, "textual/model.onnx": textual}
    files = tuple(File(path=name, url=f"{base}/{name}", near=near.get(name, 0)) for name in names)
    return Entry(name=f"clip/{repository}", task=EMBED, about=about, license="MIT", terms=terms, files=files)


HUB_PREFIX = "hf:"


def from_hub(repository: str) -> Entry:
    """Return the entry of any OpenCLIP model on the hub, ``ORGANISATION/MODEL``: weights to be converted."""
    base = f"{_HUB}/{repository}/resolve/main"
    needed = ("open_clip_config.json", "open_clip_model.safetensors")
    names = (*needed, "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
    return Entry(
        name=f"clip/{repository.rpartition('/')[2]}",
        task=EMBED,
        about="OpenCLIP weights; 'phototag models convert' makes a searchable model of them",
        license="as its page says",
        terms=f"{_HUB}/{repository}",
        files=tuple(File(path=name, url=f"{base}/{name}", optional=name not in needed) for name in names),
    )


ENTRIES: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        Entry(
            name=f"clip/{_DATACOMP}",
            task=EMBED,
            about="search by words and likeness; the default",
            license="MIT",
            terms=_OPEN_CLIP_TERMS,
            files=(
                File(path="visual.onnx", url=f"{_RCLIP}/{_DATACOMP}/visual.onnx", near=352_000_000),
                File(path="textual.onnx", url=f"{_RCLIP}/{_DATACOMP}/textual.onnx", near=254_000_000),
                File(
                    path="tokenizer/bpe_simple_vocab_16e6.txt.gz",
                    url=f"{_RCLIP}/tokenizer/bpe_simple_vocab_16e6.txt.gz",
                ),
                File(path="open_clip_config.json", text=_CLIP_CONFIG),
            ),
        ),
        _immich(
            "ViT-B-16__openai",
            "search; describes new words to ram++",
            terms="https://github.com/openai/CLIP/blob/main/LICENSE",
            visual=345_000_000,
            textual=254_000_000,
        ),
        _immich(
            "XLM-Roberta-Base-ViT-B-32__laion5b_s13b_b90k",
            "search in a hundred languages",
            terms=_OPEN_CLIP_TERMS,
            visual=352_000_000,
            textual=1_110_000_000,
        ),
        Entry(
            name="ram_plus",
            task=TAG,
            about="4,585 tags with scores",
            license="Apache-2.0 (as its author states)",
            terms="https://github.com/xinyu1205/recognize-anything/blob/main/LICENSE",
            files=(
                File(
                    path="ram_plus_swin_large_14m.pth",
                    url=f"{_HUB}/xinyu1205/recognize-anything-plus-model/resolve/main/ram_plus_swin_large_14m.pth",
                    size=3_010_210_801,
                    sha256="497c178836ba66698ca226c7895317e6e800034be986452dbd2593298d50e87d",
                ),
                File(
                    path="ram_tag_list.txt",
                    url=f"{_RAM}/ram_tag_list.txt",
                    sha256="5d96d2f7225527480ad773aaac76b6e5c08a18adf6eae9ca7d2ab923d5e7bd8b",
                ),
                File(
                    path="ram_tag_list_threshold.txt",
                    url=f"{_RAM}/ram_tag_list_threshold.txt",
                    sha256="b6f81d0de1bc7f9c251af512c413eae976c77dbfbadf700d4e3d90510f4c6447",
                ),
                File(
                    path="ram_tag_list_chinese.txt",
                    url=f"{_RAM}/ram_tag_list_chinese.txt",
                    sha256="c912657a0f30be7b2f5df6ccffa17e1d84561d0bea508528e38b6d0d711bcfbe",
                ),
            ),
        ),
        Entry(
            name="insightface/buffalo_l",
            task=FACES,
            about="finds and tells apart faces; no command uses it yet",
            license="non-commercial research only",
            terms="https://github.com/deepinsight/insightface#license",
            non_commercial=True,
            files=(
                File(
                    path="buffalo_l.zip",
                    url="https://github.com/deepinsight/insightface/releases/download/model-zoo/buffalo_l.zip",
                    size=288_621_354,
                    sha256="80ffe37d8a5940d59a7384c201a2a38d4741f2f3c51eef46ebb28218a7b0ca2f",
                ),
                File(
                    path="det_10g.onnx",
                    archive="buffalo_l.zip",
                    size=16_923_827,
                    sha256="5838f7fe053675b1c7a08b633df49e7af5495cee0493c7dcf6697200b85b5b91",
                ),
                File(
                    path="w600k_r50.onnx",
                    archive="buffalo_l.zip",
                    size=174_383_860,
                    sha256="4c06341c33c2ca1f86781dab0e829f88ad5b64be9fba56e56bc9ebdefc619e43",
                ),
            ),
        ),
    )
}
"""By full name, in the order of ``models list``."""
