"""What can go wrong, by whose fault it is.

Every error that a user can cause derives from ``DomainBertError``; the command line prints its message and exits with status 2.
"""


class DomainBertError(Exception):
    """Base of all errors caused by input, configuration or the machine; never by a defect of ours."""


class RecipeError(DomainBertError):
    """A recipe or an override is wrong. The message lists every problem, one a line."""


class CorpusError(DomainBertError):
    """A source cannot be read, is not what it claims to be, or yields too little."""


class StoreError(DomainBertError):
    """A token store is unfinished, damaged, or was made with something else."""


class TokenizerError(DomainBertError):
    """A tokenizer cannot be built, loaded, or does not fit the domain."""


class ModelError(DomainBertError):
    """A base or companion model cannot be loaded or used exactly."""


class OutputError(DomainBertError):
    """A file or folder cannot be written: it is taken, not allowed, or the disk is full."""


class RunError(DomainBertError):
    """A run folder is in use, incomplete, or does not belong to this command."""


class PublishError(DomainBertError):
    """A run cannot be published: something is missing in it, must not leave the machine, or the Hub refuses it."""
