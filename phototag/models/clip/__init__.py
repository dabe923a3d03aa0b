"""CLIP on ONNX Runtime: image and text towers in one space. No torch is imported here, save in ``torch_backend``.

- ``folder``      which files a model folder has, in the layouts of phototag, rclip and Immich
- ``preprocess``  pixels to the image tower's input, as OpenCLIP does it
- ``tokenizer``   text to the text tower's input, as OpenCLIP does it
- ``embedder``    the image and text embedders
- ``zeroshot``    tags from a person's own vocabulary
"""
