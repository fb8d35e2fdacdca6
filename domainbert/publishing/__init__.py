"""Model folders, cards and uploads."""
