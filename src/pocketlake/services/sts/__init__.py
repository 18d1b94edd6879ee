"""STS: who a caller is, and credentials that end."""

from . import identity, roles, sessions
from .service import sts as service

__all__ = ["identity", "roles", "service", "sessions"]
