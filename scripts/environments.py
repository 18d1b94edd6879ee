"""Virtual environments for what must not live in ours: peers, third-party clients, moto's test suite.

They stand under $XDG_CACHE_HOME/pocketlake and are made once for a list of requirements.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def cache(*parts: str) -> Path:
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pocketlake"
    path = root.joinpath(*parts)
    path.mkdir(parents=True, exist_ok=True)
    return path


def find(name: str, requirements: Sequence[str]) -> Path | None:
    """The environment's Python where it has been made for just these requirements."""
    home = cache("environments") / name
    stamp = home / "requirements.sha256"
    made = stamp.is_file() and stamp.read_text() == fingerprint(requirements)
    return home / "bin" / "python" if made else None


def environment(name: str, requirements: Sequence[str]) -> Path:
    """The environment's Python; makes it (anew) where it is missing or was made for other requirements."""
    ready = find(name, requirements)
    if ready is not None:
        return ready
    home = cache("environments") / name
    print(f"making an environment for {name}: {', '.join(requirements)}", file=sys.stderr, flush=True)
    shutil.rmtree(home, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    python = home / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements]
    subprocess.run(install, check=True)
    (home / "requirements.sha256").write_text(fingerprint(requirements))
    return python


def node_environment(name: str, requirements: Sequence[str]) -> Path | None:
    """The node_modules folder with these packages of npm's registry; None where there is no npm."""
    npm = shutil.which("npm")
    if npm is None:
        return None
    home = cache("environments") / name
    stamp = home / "requirements.sha256"
    if not (stamp.is_file() and stamp.read_text() == fingerprint(requirements)):
        print(f"making an environment for {name}: {', '.join(requirements)}", file=sys.stderr, flush=True)
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        (home / "package.json").write_text('{"private": true}\n')
        install = [npm, "install", "--silent", "--no-audit", "--no-fund", *requirements]
        subprocess.run(install, check=True, cwd=home)
        stamp.write_text(fingerprint(requirements))
    return home / "node_modules"


def fingerprint(requirements: Sequence[str]) -> str:
    text = "\n".join([*requirements, sys.version])
    return hashlib.sha256(text.encode()).hexdigest()
