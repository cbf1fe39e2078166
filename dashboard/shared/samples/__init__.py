"""Samples on the screen: images, cards, close looks."""
