"""The built-in analyser: honest measurements as tags, and a vector of colour, edges and texture. No weights.

It measures pixels and reads what the camera wrote; it never claims to know what is in the picture. Each score is in
[0, 1]; thresholds are applied when a sidecar is read.

- ``canvas``   one small version of the picture that every measurement shares
- ``colour``   the eleven basic colour terms by share
- ``light``    dark, bright, low-contrast, black-and-white
- ``texture``  blurry, sharp, noisy
- ``kind``     screenshot, document, drawing
- ``facts``    shape of the frame, flash, exposure, lens, season, burst, scan
- ``sun``      day, night and golden hour from place and time
- ``layout``, ``edges``, ``gist``  the three parts of the embedding
- ``analyser`` the tagger and the embedder made of these
"""
