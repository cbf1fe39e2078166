"""Bars, cells and images that are links to the samples behind them."""
