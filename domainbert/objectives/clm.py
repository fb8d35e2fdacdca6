"""Causal language modelling: predict each token from those before it."""

from domainbert.objectives.mlm import MaskedTokens


class NextTokens(MaskedTokens):
    """Cross-entropy of the next tokens of each document; a unit is a position whose next token is a target of the domain.

    Special tokens and unknowns are not predicted, as in masked language modelling. Batches of a causal stage hide nothing, and label each
    position with the token behind it.
    """
