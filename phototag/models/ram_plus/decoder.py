"""The tag decoder, and the whole of RAM++: pixels to one logit a tag."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from phototag.errors import BrokenModelError
from phototag.models.ram_plus.checkpoint import Dimensions, State, without_buffers
from phototag.models.ram_plus.swin import Swin


class Attend(nn.Module):
    """The projections of BERT's cross-attention, under BERT's names."""

    def __init__(self, hidden: int, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(hidden, hidden)
        self.key = nn.Linear(width, hidden)
        self.value = nn.Linear(width, hidden)

    def forward(self, tags: Tensor, image: Tensor) -> Tensor:
        """[B, C, hidden] x [B, T, width] -> [B, C, hidden]."""
        query, key, value = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in (self.query(tags), self.key(image), self.value(image))
        )
        found = functional.scaled_dot_product_attention(query, key, value)
        return found.transpose(1, 2).flatten(2)


class Output(nn.Module):
    """A linear layer whose result is added to what came before, then normed."""

    def __init__(self, width: int, hidden: int, eps: float) -> None:
        super().__init__()
        self.dense = nn.Linear(width, hidden)
        self.LayerNorm = nn.LayerNorm(hidden, eps=eps)

    def forward(self, found: Tensor, before: Tensor) -> Tensor:
        """[..., width], [..., hidden] -> [..., hidden]."""
        out: Tensor = self.LayerNorm(self.dense(found) + before)
        return out


class Layer(nn.Module):
    """One layer: tags look at the image, each for itself; there is no attention between tags."""

    def __init__(self, dims: Dimensions) -> None:
        super().__init__()
        attend = Attend(dims.hidden, dims.projection, dims.head_heads)
        added = Output(dims.hidden, dims.hidden, dims.head_eps)
        self.crossattention = nn.ModuleDict({"self": attend, "output": added})
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(dims.hidden, dims.intermediate)})
        self.output = Output(dims.intermediate, dims.hidden, dims.head_eps)

    def forward(self, tags: Tensor, image: Tensor) -> Tensor:
        """[B, C, hidden] -> the same."""
        tags = self.crossattention["output"](self.crossattention["self"](tags, image), tags)
        out: Tensor = self.output(functional.gelu(self.intermediate["dense"](tags)), tags)
        return out


class RamPlus(nn.Module):
    """The model. ``label_embed`` is [C, K, projection]: K described meanings of each of C tags."""

    def __init__(self, dims: Dimensions) -> None:
        super().__init__()
        self.visual_encoder = Swin(dims)
        self.image_proj = nn.Linear(self.visual_encoder.width, dims.projection)
        self.label_embed = nn.Parameter(torch.zeros(dims.classes * dims.per_class, dims.projection))
        self.reweight_scale = nn.Parameter(torch.zeros(()))
        self.wordvec_proj = nn.Linear(dims.projection, dims.hidden)
        layers = nn.ModuleList(Layer(dims) for _ in range(dims.head_layers))
        self.tagging_head = nn.ModuleDict({"encoder": nn.ModuleDict({"layer": layers})})
        self.fc = nn.Linear(dims.hidden, 1)
        self.classes = dims.classes

    def forward(self, pixels: Tensor) -> Tensor:
        """[B, 3, S, S] -> logits [B, C]."""
        image = self.image_proj(self.visual_encoder(pixels))
        tags = functional.relu(self.wordvec_proj(self.meanings(image[:, 0])))
        for layer in self.tagging_head["encoder"]["layer"]:
            tags = layer(tags, image)
        logits: Tensor = self.fc(tags).squeeze(-1)
        return logits

    def meanings(self, summary: Tensor) -> Tensor:
        """Return each tag's vector: its meanings weighted by how well they fit the image, [B, C, projection]."""
        described = self.label_embed.view(self.classes, -1, self.label_embed.shape[-1])
        fit = functional.normalize(summary, dim=-1) @ self.label_embed.t() * self.reweight_scale.exp()
        weights = fit.view(len(summary), *described.shape[:2]).softmax(-1)
        return torch.bmm(weights.transpose(0, 1), described).transpose(0, 1)


def build(dims: Dimensions, state: State) -> RamPlus:
    """Return the model with the checkpoint's tensors, not copied. Raises BrokenModelError naming what is missing."""
    with torch.device("meta"):
        model = RamPlus(dims)
    wanted = model.state_dict()
    found = without_buffers(state)
    wrong = [key for key, value in wanted.items() if key not in found or found[key].shape != value.shape]
    if wrong:
        raise BrokenModelError(
            f"the checkpoint lacks {len(wrong)} of {len(wanted)} tensors, the first: {wrong[0]}",
            hint="phototag models verify",
        )
    model.load_state_dict({key: found[key] for key in wanted}, strict=True, assign=True)
    model.eval().requires_grad_(False)
    return model


def with_labels(model: RamPlus, label_embed: Tensor, classes: int) -> RamPlus:
    """Make the model answer for other tags: ``label_embed`` is [classes * K, projection]."""
    model.label_embed = nn.Parameter(label_embed.contiguous(), requires_grad=False)
    model.classes = classes
    return model
