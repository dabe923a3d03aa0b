"""The image tower: Swin Transformer (Liu et al. 2021) in Microsoft's formulation, whose names the checkpoint has."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional

from phototag.models.ram_plus.checkpoint import Dimensions

MASKED = -100.0
"""What Swin adds between tokens of different regions; the published weights were trained with it, not with -inf."""


class PatchEmbed(nn.Module):
    """Pixels to tokens: a strided convolution and a norm."""

    def __init__(self, patch: int, dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, dim, patch, stride=patch)
        self.norm = nn.LayerNorm(dim)

    def forward(self, pixels: Tensor) -> Tensor:
        """[B, 3, S, S] -> [B, (S/patch)^2, dim], row by row."""
        tokens: Tensor = self.norm(self.proj(pixels).flatten(2).transpose(1, 2))
        return tokens


class WindowAttention(nn.Module):
    """Attention inside windows, with a learned bias for each relative position."""

    def __init__(self, dim: int, window: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.window = window
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))

    def bias(self) -> Tensor:
        """Return the bias of each pair of tokens, [heads, N, N]."""
        table = self.relative_position_bias_table
        index = relative_index(self.window).to(table.device)
        return table[index.flatten()].view(*index.shape, self.heads).permute(2, 0, 1)

    def forward(self, windows: Tensor, mask: Tensor | None) -> Tensor:
        """[B, W, N, dim] -> the same; ``mask`` is [W, N, N] for shifted windows."""
        batch, count, size, dim = windows.shape
        qkv = self.qkv(windows).view(batch, count, size, 3, self.heads, dim // self.heads)
        query, key, value = qkv.permute(3, 0, 1, 4, 2, 5).flatten(2, 3)  # each [B, W*heads, N, d]
        bias = self.bias().expand(count, -1, -1, -1) if mask is None else self.bias() + mask[:, None]
        found = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias.flatten(0, 1)[None])
        found = found.view(batch, count, self.heads, size, -1).transpose(2, 3).flatten(3)
        out: Tensor = self.proj(found)
        return out


class Mlp(nn.Module):
    """Two layers with the exact GELU between."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """[..., dim] -> [..., dim]."""
        out: Tensor = self.fc2(functional.gelu(self.fc1(tokens)))
        return out


class Block(nn.Module):
    """Window attention and MLP, each added to its input; every other block's windows are shifted by half."""

    def __init__(self, dim: int, heads: int, side: int, window: int, shift: int, mlp: int) -> None:
        super().__init__()
        self.side, self.window, self.shift = side, window, shift
        self.norm1 = nn.LayerNorm(dim)
        self.attn = WindowAttention(dim, window, heads)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = Mlp(dim, mlp * dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """[B, side^2, dim] -> the same."""
        batch, _, dim = tokens.shape
        grid = self.norm1(tokens).view(batch, self.side, self.side, dim)
        mask = None
        if self.shift:
            grid = grid.roll((-self.shift, -self.shift), (1, 2))
            mask = shift_mask(self.side, self.window, self.shift).to(tokens)
        grid = join_windows(self.attn(split_windows(grid, self.window), mask), self.side)
        if self.shift:
            grid = grid.roll((self.shift, self.shift), (1, 2))
        tokens = tokens + grid.reshape(batch, -1, dim)
        return tokens + self.mlp(self.norm2(tokens))


class PatchMerging(nn.Module):
    """Four neighbours become one token of twice the width; normed first, then reduced."""

    def __init__(self, dim: int, side: int) -> None:
        super().__init__()
        self.side = side
        self.norm = nn.LayerNorm(4 * dim)
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """[B, side^2, dim] -> [B, (side/2)^2, 2 dim]."""
        grid = tokens.view(len(tokens), self.side, self.side, -1)
        corners = [grid[:, row::2, column::2] for column in (0, 1) for row in (0, 1)]
        out: Tensor = self.reduction(self.norm(torch.cat(corners, -1).flatten(1, 2)))
        return out


class Stage(nn.Module):
    """Blocks at one resolution, then the merging to the next."""

    def __init__(self, dims: Dimensions, number: int, side: int) -> None:
        super().__init__()
        dim = dims.embed_dim * 2**number
        window = min(dims.window, side)
        half = 0 if side <= dims.window else window // 2
        self.blocks = nn.ModuleList(
            Block(dim, dims.heads[number], side, window, half * (j % 2), dims.mlp) for j in range(dims.depths[number])
        )
        last = number == len(dims.depths) - 1
        self.downsample = None if last else PatchMerging(dim, side)

    def forward(self, tokens: Tensor) -> Tensor:
        """[B, side^2, dim] -> the next stage's."""
        for block in self.blocks:
            tokens = block(tokens)
        return tokens if self.downsample is None else self.downsample(tokens)


class Swin(nn.Module):
    """The tower: [B, 3, S, S] -> [B, 1 + tokens, width], the first token the mean of the others."""

    def __init__(self, dims: Dimensions) -> None:
        super().__init__()
        side = dims.image_size // dims.patch
        self.patch_embed = PatchEmbed(dims.patch, dims.embed_dim)
        self.layers = nn.ModuleList(Stage(dims, number, side >> number) for number in range(len(dims.depths)))
        self.width = dims.embed_dim * 2 ** (len(dims.depths) - 1)
        self.norm = nn.LayerNorm(self.width)

    def forward(self, pixels: Tensor) -> Tensor:
        """Return the tokens after the final norm, their mean first."""
        tokens = self.patch_embed(pixels)
        for stage in self.layers:
            tokens = stage(tokens)
        tokens = self.norm(tokens)
        return torch.cat([tokens.mean(1, keepdim=True), tokens], 1)


def split_windows(grid: Tensor, window: int) -> Tensor:
    """[B, R, R, D] -> [B, W, window^2, D]: windows row by row, tokens row by row in each."""
    batch, side, _, dim = grid.shape
    count = side // window
    parts = grid.view(batch, count, window, count, window, dim).transpose(2, 3)
    return parts.reshape(batch, count * count, window * window, dim)


def join_windows(windows: Tensor, side: int) -> Tensor:
    """[B, W, window^2, D] -> [B, R, R, D]."""
    batch, _, size, dim = windows.shape
    window = int(size**0.5)
    count = side // window
    return windows.view(batch, count, count, window, window, dim).transpose(2, 3).reshape(batch, side, side, dim)


@lru_cache(maxsize=8)
def relative_index(window: int) -> Tensor:
    """Return the row of the bias table for each pair (query, key) of tokens in a window, [N, N]."""
    row, column = torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")
    down = row.flatten()[:, None] - row.flatten()[None, :] + window - 1
    across = column.flatten()[:, None] - column.flatten()[None, :] + window - 1
    return down * (2 * window - 1) + across


@lru_cache(maxsize=8)
def shift_mask(side: int, window: int, shift: int) -> Tensor:
    """Return what keeps tokens apart that the shift brought together from opposite borders, [W, N, N]."""
    band = torch.bucketize(torch.arange(side), torch.tensor([side - window, side - shift]), right=True)
    label = (band[:, None] * 3 + band[None, :]).view(1, side, side, 1)
    regions = split_windows(label, window)[0, :, :, 0]
    return (regions[:, :, None] != regions[:, None, :]).float() * MASKED
