"""Backups on demand and continuous ones, and what is restored from them."""
