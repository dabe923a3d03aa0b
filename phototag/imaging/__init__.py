"""From a file's bytes to upright pixels, EXIF, a place name and a thumbnail."""
