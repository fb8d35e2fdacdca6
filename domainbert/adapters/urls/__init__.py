"""URLs and domain names."""

from domainbert.adapters.urls.adapter import UrlsAdapter

__all__ = ["UrlsAdapter"]
