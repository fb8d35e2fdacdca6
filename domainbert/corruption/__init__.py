"""Corruption: which tokens are hidden (``select``) and what stands in their place (``replace``).

Both are pure functions of (seed, epoch, sample): the same masks on any worker, any rank and after any interruption.
"""
