"""What every package with an adapter should test: the contract."""

from domainbert_logs.adapter import LogsAdapter

from domainbert.testing import check_adapter


def test_contract() -> None:
    check_adapter(LogsAdapter())
