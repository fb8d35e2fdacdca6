"""Log lines for domainbert: an example of an adapter in a package of its own."""
