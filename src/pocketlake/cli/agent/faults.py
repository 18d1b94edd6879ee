"""What a person has to put right."""

from __future__ import annotations


class ConfigurationError(Exception):
    """agent.json says something that can't be done; the message says what."""
