"""A whole run: corpus to token store, training, held-out scores, the publishable model. Here the parts meet."""

from domainbert.pretraining.run import RunResult, pretrain, resume

__all__ = ["RunResult", "pretrain", "resume"]
