"""Metric math: expressions over time series.

Source: user guide, "Using math expressions with CloudWatch metrics", "Metric math syntax and functions".
"""
