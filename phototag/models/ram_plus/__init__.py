"""RAM++ (Recognize Anything Plus, Huang et al. 2023) in plain torch, loading the published checkpoint unchanged.

- ``folder``      which files the model folder has: checkpoint, tag lists, thresholds, ``config.json``
- ``checkpoint``  the container: memory-mapped, weights only, old names renamed; dimensions from shapes
- ``swin``        the image tower
- ``decoder``     the tag decoder, and the whole model
- ``vocabulary``  which tags are asked for: the list, a subset, another language, or words of a person's own
- ``tagger``      the adapter
"""
