"""The sample library: about sixty drawn photos with EXIF, places, copies and flaws; nothing is fetched."""
