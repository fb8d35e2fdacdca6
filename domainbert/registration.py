"""Tells the ``Auto`` classes of transformers of the hybrid encoder; the package's ``__init__`` says when."""

import transformers

from domainbert.engine.delta_config import MODEL_TYPE, DeltaHybridConfig


def register_config() -> None:
    """Its config, for ``AutoConfig``."""
    transformers.AutoConfig.register(MODEL_TYPE, DeltaHybridConfig, exist_ok=True)


def register_models() -> None:
    """Its classes, for ``AutoModel`` and those with heads."""
    from domainbert.engine import delta_hybrid as ours

    for auto, model in (
        (transformers.AutoModel, ours.DeltaHybridModel),
        (transformers.AutoModelForMaskedLM, ours.DeltaHybridForMaskedLM),
        (transformers.AutoModelForSequenceClassification, ours.DeltaHybridForSequenceClassification),
        (transformers.AutoModelForTokenClassification, ours.DeltaHybridForTokenClassification),
    ):
        auto.register(DeltaHybridConfig, model, exist_ok=True)
