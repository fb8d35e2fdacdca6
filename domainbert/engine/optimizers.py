"""The optimizers that a recipe may name. Vectors (biases, norms) are never decayed.

Each is one ``torch.optim.Optimizer``, so the ``Trainer`` schedules, saves and restores it like any other.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from domainbert.recipe.schema import Training

Group = dict[str, Any]

# Jordan et al. 2024 (kellerjordan.github.io/posts/muon): a quintic that drives singular values towards 1 in five steps.
_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
_NEWTON_SCHULZ_STEPS = 5
_MOMENTUM = 0.95
# Liu et al. 2025 (arXiv 2502.16982), section 2.2: an update of this root mean square suits AdamW's learning rates and decay.
_UPDATE_RMS = 0.2


def make_optimizer(model: nn.Module, training: Training) -> torch.optim.Optimizer:
    """The recipe's optimizer for a model.

    Args:
        model: whose parameters are trained.
        training: names the optimizer and its numbers.
    """
    parameters = [p for p in model.parameters() if p.requires_grad]
    lr, betas = training.learning_rate, (training.beta1, training.beta2)
    groups = _by_decay(parameters, training.weight_decay)
    if training.optimizer == "stable_adamw":
        return Adam(groups, lr=lr, betas=betas, clip=True)
    if training.optimizer == "muon":
        matrices = hidden_matrices(model)
        own = {id(p) for p in matrices}
        rest = _by_decay([p for p in parameters if id(p) not in own], training.weight_decay)
        muon = {"params": matrices, "weight_decay": training.weight_decay, "orthogonal": True}
        return Adam([muon, *rest], lr=lr, betas=betas, clip=False)
    fused = all(p.device.type in ("cpu", "cuda") for p in parameters)
    return torch.optim.AdamW(groups, lr=lr, betas=betas, eps=1e-8, fused=fused)


def hidden_matrices(model: nn.Module) -> list[nn.Parameter]:
    """What Muon is for: the matrices of the layers, without tables of embeddings and without the head."""
    body = getattr(model, "base_model", model)
    tables = {id(p) for module in body.modules() if isinstance(module, nn.Embedding) for p in module.parameters()}
    return [p for p in body.parameters() if p.requires_grad and p.ndim == 2 and id(p) not in tables]  # noqa: PLR2004  # dimensions


def _by_decay(parameters: Iterable[nn.Parameter], weight_decay: float) -> list[Group]:
    every = list(parameters)
    groups = [
        {"params": [p for p in every if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in every if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


class Adam(torch.optim.Optimizer):
    """AdamW with two additions: updates clipped by their own size, and Muon for the groups that ask for it.

    ``clip`` makes it StableAdamW (Wortsman et al. 2023, arXiv 2304.13013, algorithm 2): a tensor whose gradient is larger than its
    second moment expects takes a step that is smaller by that ratio. Groups with ``orthogonal`` take Muon's step.

    Args:
        groups: parameter groups with ``weight_decay``.
        lr: learning rate.
        betas: decay rates of the moments.
        eps: keeps divisions finite.
        clip: StableAdamW's clipping.
    """

    def __init__(self, groups: list[Group], *, lr: float, betas: tuple[float, float], clip: bool, eps: float = 1e-8) -> None:
        super().__init__(groups, {"lr": lr, "betas": betas, "eps": eps, "clip": clip, "orthogonal": False})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One step for every parameter that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            update = _muon if group["orthogonal"] else _adam
            for p in group["params"]:
                if p.grad is not None:
                    change, rate = update(p.grad, self.state[p], group)
                    p.mul_(1 - rate * group["weight_decay"]).add_(change, alpha=-rate)
        return loss


def _adam(gradient: Tensor, state: dict[str, Any], group: Group) -> tuple[Tensor, float]:
    """AdamW's direction and its learning rate, lowered where the gradient outgrew its second moment."""
    if not state:
        state.update(step=0, exp_avg=torch.zeros_like(gradient), exp_avg_sq=torch.zeros_like(gradient))
    state["step"] += 1
    (beta1, beta2), step = group["betas"], state["step"]
    mean = state["exp_avg"].lerp_(gradient, 1 - beta1)
    square = state["exp_avg_sq"].mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
    unbiased = square / (1 - beta2**step)
    rate = float(group["lr"])
    if group["clip"]:
        rms = (gradient.square() / unbiased.clamp(min=group["eps"] ** 2)).mean().sqrt()
        rate /= max(1.0, float(rms))
    return (mean / (1 - beta1**step)) / (unbiased.sqrt() + group["eps"]), rate


def _muon(gradient: Tensor, state: dict[str, Any], group: Group) -> tuple[Tensor, float]:
    """The momentum's nearest half-orthogonal matrix, scaled to a constant size."""
    if not state:
        state["momentum"] = torch.zeros_like(gradient)
    momentum = state["momentum"].lerp_(gradient, 1 - _MOMENTUM)
    direction = orthogonalised(gradient.lerp(momentum, _MOMENTUM))
    return direction * (_UPDATE_RMS * max(gradient.shape) ** 0.5), float(group["lr"])


def orthogonalised(matrix: Tensor) -> Tensor:
    """``U V^T`` of a matrix ``U S V^T``, roughly: singular values between about 0.7 and 1.2."""
    wide = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x: Tensor = wide / (wide.norm() + 1e-7)
    a, b, c = _NEWTON_SCHULZ
    for _ in range(_NEWTON_SCHULZ_STEPS):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if matrix.shape[0] > matrix.shape[1] else x
