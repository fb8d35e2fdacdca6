"""``python -m domainbert``: the same program as ``domainbert``, for ``torchrun -m domainbert``."""

from domainbert.cli.app import main

if __name__ == "__main__":
    main()
