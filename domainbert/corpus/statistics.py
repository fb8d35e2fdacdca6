"""What a token store holds, in numbers."""

from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

from domainbert.corpus.columns import ROLES
from domainbert.corpus.store import TokenStore

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


@dataclass(frozen=True, slots=True)
class RoleStatistics:
    """The records of one role."""

    num_records: int
    num_tokens: int
    num_groups: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts of a store.

    Args:
        roles: by role; a group whose end is held out counts in both.
        length_quantiles: tokens of a record, by share of the records that are at most as long.
    """

    adapter: str
    num_records: int
    num_entries: int
    num_characters: int
    num_tokens: int
    vocabulary_size: int
    roles: dict[str, RoleStatistics]
    length_quantiles: dict[str, int]
    drops: dict[str, int]
    first_drops: dict[str, str]
    trimmed: dict[str, int]
    altered: dict[str, int]
    split: str
    num_sources: int
    source_bytes: int


def store_statistics(store: TokenStore) -> Statistics:
    """Count what is in a store."""
    manifest = store.manifest
    lengths = np.diff(store.offsets.astype(np.int64))
    roles = {}
    for role in ROLES:
        indexes = store.indexes(role)
        groups = store.table["group"].filter(pc.equal(store.table["role"], role))
        roles[role] = RoleStatistics(len(indexes), int(lengths[indexes].sum()), pc.count_distinct(groups).as_py())
    return Statistics(
        adapter=manifest.adapter,
        num_records=manifest.num_records,
        num_entries=manifest.num_entries,
        num_characters=manifest.num_characters,
        num_tokens=manifest.num_tokens,
        vocabulary_size=manifest.vocabulary_size,
        roles=roles,
        length_quantiles={f"{share:g}": int(np.quantile(lengths, share, method="lower")) for share in QUANTILES},
        drops=manifest.drops,
        first_drops=manifest.first_drops,
        trimmed=manifest.trimmed,
        altered=manifest.altered,
        split=manifest.split,
        num_sources=len(manifest.sources),
        source_bytes=sum(source.num_bytes for source in manifest.sources),
    )
