"""Config of the hybrid encoder: layers of the gated delta rule, one of softmax attention. Light: it imports no torch."""

from typing import Any

from transformers import PretrainedConfig

from domainbert.engine import families

MODEL_TYPE = families.OWN
DELTA, SOFTMAX = "linear_attention", "full_attention"


class DeltaHybridConfig(PretrainedConfig):  # type: ignore[no-untyped-call]
    """Shape of a ``DeltaHybridModel``, under the names that the parts of Qwen3-Next read.

    Args:
        num_attention_heads: of softmax attention and of the delta rule, ``head_dim`` wide each.
        layer_types: ``linear_attention`` or ``full_attention``; by default all but the last are of the delta rule (Yang et al. 2025,
            arXiv 2505.20836).
        linear_conv_kernel_dim: tokens that each direction's convolution sees.
    """

    model_type = MODEL_TYPE

    vocab_size: int = 32
    hidden_size: int = 128
    intermediate_size: int = 192
    num_hidden_layers: int = 5
    num_attention_heads: int = 4
    num_key_value_heads: int | None = None
    head_dim: int | None = None
    hidden_act: str = "silu"
    max_position_embeddings: int = 8192
    initializer_range: float = 0.02
    rms_norm_eps: float = 1e-6
    attention_bias: bool = False
    attention_dropout: float | int = 0.0
    hidden_dropout: float | int = 0.0
    linear_conv_kernel_dim: int = 4
    layer_types: list[str] | None = None
    rope_parameters: dict[str, Any] | None = None
    classifier_dropout: float | int = 0.0
    tie_word_embeddings: bool = True
    pad_token_id: int | None = None
    bos_token_id: int | None = None
    eos_token_id: int | list[int] | None = None

    def __post_init__(self, **kwargs: Any) -> None:
        """Fill in what follows from the rest."""
        self.head_dim = self.head_dim or self.hidden_size // self.num_attention_heads
        self.num_key_value_heads = self.num_key_value_heads or self.num_attention_heads
        self.layer_types = self.layer_types or [DELTA] * (self.num_hidden_layers - 1) + [SOFTMAX]
        super().__post_init__(**kwargs)  # type: ignore[no-untyped-call]

    @property
    def linear_num_key_heads(self) -> int:
        """Heads of the delta rule."""
        return self.num_attention_heads

    @property
    def linear_num_value_heads(self) -> int:
        """As many for values."""
        return self.num_attention_heads

    @property
    def linear_key_head_dim(self) -> int:
        """Their width."""
        assert self.head_dim is not None
        return self.head_dim

    @property
    def linear_value_head_dim(self) -> int:
        """Likewise for values."""
        return self.linear_key_head_dim
