"""The texture of the scene by region: the third part of the embedding.

Energies of Gabor filters at 3 scales and 6 orientations over a 4 x 4 grid: the "spatial envelope" of Oliva & Torralba
2001 (GIST), after their local contrast normalisation. All in the frequency domain, with transfer functions made once.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

SIDE, PAD = 64, 16
SCALES, ORIENTATIONS, REGIONS = 3, 6, 4
GIST_DIM = SCALES * ORIENTATIONS * REGIONS * REGIONS
_FULL = SIDE + 2 * PAD
_PERIODS_PX = (4.5, 9.0, 18.0)
"""Centre wavelengths of the filters on the 64 x 64 picture."""


_MIRRORED = np.pad(np.arange(SIDE), PAD, mode="symmetric")
"""Which line of the picture stands at each line of the padded one."""
_HALF = _FULL // 2
"""The two coarser scales have nothing above a quarter of the sampling rate: they are filtered at half the size."""


@lru_cache(maxsize=1)
def _filters() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the low-pass of the contrast normalisation (96, 96) and the Gabor bank, fine (6, 96, 96), coarse (12, 48, 48).

    All real, one value a frequency.
    """
    f = np.fft.fftfreq(_FULL)
    fy, fx = np.meshgrid(f, f, indexing="ij")
    radius, angle = np.hypot(fx, fy), np.arctan2(fy, fx)
    cut = 4.0 / SIDE / np.sqrt(np.log(2))
    low = np.exp(-((radius / cut) ** 2))
    bank = []
    for period in _PERIODS_PX:
        for k in range(ORIENTATIONS):
            turn = (angle - np.pi * k / ORIENTATIONS + np.pi) % (2 * np.pi) - np.pi
            along = np.log2(np.maximum(radius, 1e-6) * period) / 0.55
            around = turn / (np.pi / ORIENTATIONS * 0.65)
            bank.append(
                np.exp(-0.5 * (along**2 + around**2))
            )  # one-sided: the response is analytic, its modulus smooth
    return low, np.stack(bank[:ORIENTATIONS]), _low_half(np.stack(bank[ORIENTATIONS:]))


def _low_half(spectrum: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the frequencies below a quarter of the sampling rate: the spectrum of the picture at half its size."""
    keep = np.r_[: _HALF // 2, _FULL - _HALF // 2 : _FULL]
    return spectrum[..., keep[:, None], keep[None, :]]


def gabor_energies(luma: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return the mean filter modulus of each region, (288,) float64, scale-major; ``luma`` is 64 x 64 in [0, 255]."""
    low, fine, coarse = _filters()
    padded = np.log1p(luma.astype(np.float64))[_MIRRORED[:, None], _MIRRORED]
    local = padded - _convolve(padded, low)
    contrast = np.sqrt(np.maximum(0.0, _convolve(local**2, low)))
    spectrum = np.fft.fft2(local / (0.2 + contrast))
    return np.concatenate([_by_region(spectrum * fine), _by_region(_low_half(spectrum) * coarse / 4)])


def _by_region(spectra: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return the mean modulus in each of the 4 x 4 regions of pictures given by their spectra, (n * 16,) float64."""
    pad = PAD * spectra.shape[-1] // _FULL
    cell = (spectra.shape[-1] - 2 * pad) // REGIONS
    rows = np.fft.ifft(spectra, axis=-1)[..., pad:-pad]  # the frame is not needed: its columns are left out halfway
    moduli = np.abs(np.fft.ifft(rows, axis=-2)[:, pad:-pad])
    energies: npt.NDArray[np.float64] = moduli.reshape(-1, REGIONS, cell, REGIONS, cell).mean(axis=(2, 4)).ravel()
    return energies


def _convolve(picture: npt.NDArray[np.float64], transfer: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    half = transfer[:, : transfer.shape[1] // 2 + 1]
    return np.fft.irfft2(np.fft.rfft2(picture) * half, s=picture.shape)
