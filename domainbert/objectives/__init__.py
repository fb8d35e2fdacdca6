"""Objectives: terms of the loss, each a sum over its own units that the trainer divides by their global count.

``registry`` names them, ``base`` says what each provides.
"""
