"""The table of commands: where each lives, its one-line help, and its section in ``phototag --help``.

The help lines stand here so that ``--help`` imports nothing; a test holds them equal to the commands' own.
"""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """One command of the group."""

    target: str
    """``module:attribute`` of the click command."""
    help: str
    section: str


START, ASK, SAY, KEEP, PLUMBING = "Start", "Ask", "Say", "Keep healthy", "Plumbing"
SECTIONS = (START, ASK, SAY, KEEP, PLUMBING)

COMMANDS: dict[str, Entry] = {
    "init": Entry("phototag.cli.init:init", "Make a library of a folder.", START),
    "scan": Entry(
        "phototag.cli.scan:scan", "Find, read, tag and embed photos; write sidecars; refresh the index.", START
    ),
    "tag": Entry("phototag.cli.scan:tag", "Tag photos with a model, beside the tags already there.", START),
    "embed": Entry("phototag.cli.scan:embed", "Embed photos with a model, beside the vectors already there.", START),
    "exif-backfill": Entry("phototag.cli.scan:exif_backfill", "Read EXIF into sidecars that lack it.", KEEP),
    "geo-tag": Entry("phototag.cli.scan:geo_tag", "Name the places of photos that have a position.", KEEP),
    "query": Entry(
        "phototag.cli.ask:query",
        "Search images by what words mean and by the words in tags, people, places, captions and names.",
        ASK,
    ),
    "list": Entry("phototag.cli.ask:list_command", "List images by tag, person, place, camera, date or rating.", ASK),
    "similar": Entry("phototag.cli.ask:similar", "Find images like this one.", ASK),
    "duplicates": Entry(
        "phototag.cli.duplicates:duplicates",
        "Find images that are there several times; keep one of each, move the rest to the trash.",
        KEEP,
    ),
    "info": Entry("phototag.cli.catalog:info", "Show everything known about one image, and who or what said so.", ASK),
    "stats": Entry("phototag.cli.catalog:stats", "Show how many images have which tags, places, cameras, people.", ASK),
    "export": Entry("phototag.cli.catalog:export", "Write the catalogue for other programs.", ASK),
    "index": Entry("phototag.cli.index:index", "Rebuild, refresh, inspect or verify the index.", KEEP),
    "tag-edit": Entry("phototag.cli.edit:tag_edit", "Add and remove tags of images by your own word.", SAY),
    "rate": Entry(
        "phototag.cli.edit:rate", "Rate images from -1 (rejected) to 5; 0 or 'clear' takes the rating away.", SAY
    ),
    "caption": Entry("phototag.cli.edit:caption", "Give an image a caption.", SAY),
    "cluster": Entry(
        "phototag.cli.cluster:cluster", "Find the categories that the collection itself contains, and name them.", ASK
    ),
    "clusters": Entry(
        "phototag.cli.cluster:clusters", "List the clusters of a run; compare runs; choose the current one.", ASK
    ),
    "assign": Entry("phototag.cli.cluster:assign", "Let photos that came after the run join its clusters.", ASK),
    "report": Entry(
        "phototag.cli.report:report",
        "Write a static report of the clusters: overview, map, a page a cluster; opens from disk.",
        ASK,
    ),
    "rename": Entry(
        "phototag.cli.rename:rename", "Call a cluster of the current run LABEL; without LABEL clear it.", SAY
    ),
    "rename-bulk": Entry(
        "phototag.cli.rename:rename_bulk",
        "Call many clusters of the current run as a JSON file says, in one operation; null clears.",
        SAY,
    ),
    "log": Entry("phototag.cli.history:log", "Show what was decided, when, on which device.", SAY),
    "undo": Entry("phototag.cli.history:undo", "Take back one decision, or redo it by undoing the undo.", SAY),
    "relink": Entry(
        "phototag.cli.relink:relink",
        "Give moved, renamed, swapped and copied pictures their sidecars back; a scan does so where there is no doubt.",
        KEEP,
    ),
    "sync": Entry("phototag.cli.sync:sync", "Join what devices said apart; set up git, git-annex or Syncthing.", KEEP),
    "doctor": Entry(
        "phototag.cli.doctor:doctor",
        "Find what is wrong with a library: sync not set up, damaged sidecars, leftovers; exit 4 where something is.",
        KEEP,
    ),
    "serve": Entry("phototag.cli.serve:serve", "Look at the library in the browser.", START),
    "demo": Entry(
        "phototag.cli.demo:demo", "Make a sample library of drawn photos, scan it, and say what to try next.", START
    ),
    "models": Entry("phototag.cli.models:models", "List, fetch and check models; choose the library's default.", KEEP),
    "sidecar": Entry(
        "phototag.cli.sidecar:sidecar",
        "Choose where sidecars lie: beside the images, in a folder of their own, or in an overlay.",
        KEEP,
    ),
    "merge-driver": Entry(
        "phototag.cli.plumbing:merge_driver",
        "Join two versions of a sidecar for git (%O %A %B %P); fails only where neither can be read.",
        PLUMBING,
    ),
    "dump": Entry("phototag.cli.plumbing:dump", "Show a sidecar or a library document as text.", PLUMBING),
    "completion": Entry(
        "phototag.cli.completion:completion",
        "Print the script that completes commands, tags and people in a shell.",
        KEEP,
    ),
    "version": Entry(
        "phototag.cli.version:version", "Show the version, Python, and which extras and models are present.", KEEP
    ),
}
