"""A recipe for a situation: how large the base and the corpus are, and what they run on."""

import math
from dataclasses import dataclass
from typing import Any, Final

# Repeating text up to four times is nearly as good as new text (Muennighoff et al. 2023, arXiv 2305.16264); a small corpus is
# repeated up to a hundred times (task-adaptive pretraining, Gururangan et al. 2020, arXiv 2004.10964, appendix).
_EPOCHS, _MOST_EPOCHS, _FEWEST_STEPS = 4, 100, 500
# 12,500 steps of 2,048 samples of 512 tokens at 5e-4, warmed up over 6 %, or small batches at 1e-4 (Gururangan et al. 2020, appendix);
# between them with the root of the batch, as Adam asks (Malladi et al. 2022, arXiv 2205.10287).
_LARGEST_BATCH, _SMALLEST_BATCH, _STEPS = 1 << 20, 1 << 12, 12_500
_HIGHEST_RATE, _LOWEST_RATE, _WARM_UP = 5e-4, 1e-4, 0.06
# RoBERTa's peak is 6e-4 for its base model and 4e-4 for its large one of 355 million parameters (Liu et al. 2019, appendix).
_LARGE_MODEL, _LARGE_MODEL_RATE = 300_000_000, 2 / 3
# A stable phase with 30 % hidden, then 1-sqrt decay with 15 % over the last tenth (BioClinical ModernBERT, arXiv 2506.10896). A short run
# decays over two fifths: the shorter a run, the larger the share that cooling down needs (Hägele et al. 2024, arXiv 2405.18392).
_STABLE_RATE, _DECAY_RATE, _DECAY, _SHORT_DECAY, _SHORT = 0.30, 0.15, 0.1, 0.4, 2000
_CPU_SECONDS: Final = 3600
_REACHED: Final = 0.35  # of the matrix rate; see recipe.plan
_HELD_OUT: Final = 262_144  # characters that the evaluation scores
_LONGEST_ON_CPU, _LONGEST = 512, 8192


@dataclass(frozen=True, slots=True)
class Situation:
    """What a preset goes by.

    Args:
        num_parameters: of the base.
        flops_per_token: of a training token.
        num_tokens: of the corpus, in the base's tokens.
        num_characters: of the corpus.
        record_tokens: that 95 of 100 records do not exceed; all of them where records must stay whole.
        max_positions: of the base; 0 for no bound.
        on_gpu: whether there is one.
        flops_per_second: matrix rate of the CPU.
    """

    num_parameters: int
    flops_per_token: float
    num_tokens: int
    num_characters: int
    record_tokens: int
    max_positions: int
    on_gpu: bool
    flops_per_second: float


def preset(adapter: str, base: str, sources: tuple[str, ...], its: Situation) -> tuple[dict[str, Any], list[str]]:
    """The tables of a recipe, and what was decided why, a line each."""
    affordable = math.inf if its.on_gpu else _CPU_SECONDS * _REACHED * its.flops_per_second / its.flops_per_token
    wanted = max(_EPOCHS * its.num_tokens, min(_MOST_EPOCHS * its.num_tokens, _FEWEST_STEPS * _SMALLEST_BATCH))
    tokens = max(_SMALLEST_BATCH, min(wanted, affordable))
    batch = _power_of_two(tokens / _STEPS)
    steps = max(1, round(tokens / batch))
    rate = max(_LOWEST_RATE, _HIGHEST_RATE * math.sqrt(batch / _LARGEST_BATCH))
    rate *= _LARGE_MODEL_RATE if its.num_parameters >= _LARGE_MODEL else 1
    length = max_length(its)
    micro_batch: int | str = "auto" if its.on_gpu else max(_SMALLEST_BATCH, length)
    tables = {
        "adapter": adapter,
        "summary": f"preset: {base} on {', '.join(sources)}",
        "model": {"base": base},
        "tokenizer": {"mode": "keep"},
        "corpus": [
            {"name": "main", "sources": list(sources), "validation_fraction": round(min(0.1, max(0.01, _HELD_OUT / its.num_characters)), 3)}
        ],
        "training": {
            "max_length": length, "batch_tokens": max(batch, length), "micro_batch_tokens": micro_batch,
            "learning_rate": float(f"{rate:.2g}"), "evaluation_steps": max(1, steps // 10), "save_steps": max(1, steps // 10),
        },
        "stage": _stages(steps),
    }  # fmt: skip
    bound = "it is small" if tokens > _EPOCHS * its.num_tokens else "more helps little"
    bound = "an hour of this CPU takes no more" if tokens < wanted else bound
    reasons = [
        f"base: about {its.num_parameters / 1e6:,.1f} million parameters, its own tokenizer: new vocabularies have rarely paid",
        f"corpus: about {its.num_tokens:,} tokens, gone through {tokens / its.num_tokens:,.1f} times: {bound}",
        f"{steps:,} steps of {batch:,} tokens at a peak of {rate:.2g}; samples of up to {length:,} tokens",
        "a share of general text against forgetting: a second [[corpus]] with role = \"replay\", and mix = { main = 0.95, general = 0.05 }",
    ]
    return tables, reasons


def max_length(its: Situation) -> int:
    """Tokens of a sample: what most records need, in sixty-fours, within what the base and the machine take."""
    wanted = 64 * max(1, math.ceil(its.record_tokens / 64))
    return min(wanted, its.max_positions or wanted, _LONGEST if its.on_gpu else _LONGEST_ON_CPU)


def _stages(steps: int) -> list[dict[str, Any]]:
    if steps < _SHORT:
        return [
            {
                "name": "adapt", "steps": steps,
                "corruption": {"rate": {"shape": "linear", "from": _STABLE_RATE, "to": _DECAY_RATE}},
                "schedule": {"shape": "wsd", "warmup_steps": round(_WARM_UP * steps), "decay_steps": round(_SHORT_DECAY * steps)},
            }
        ]  # fmt: skip
    decay = round(_DECAY * steps)
    first = {"shape": "constant", "warmup_steps": round(_WARM_UP * steps)}
    return [
        {"name": "stable", "steps": steps - decay, "corruption": {"rate": _STABLE_RATE}, "schedule": first},
        {"name": "decay", "steps": decay, "corruption": {"rate": _DECAY_RATE}, "schedule": {"shape": "wsd", "decay_steps": decay}},
    ]


def _power_of_two(tokens: float) -> int:
    """The nearest power of two within the bounds of a batch."""
    return int(min(_LARGEST_BATCH, max(_SMALLEST_BATCH, 2 ** round(math.log2(max(1.0, tokens))))))
