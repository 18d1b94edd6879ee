"""Starts what is measured: Pocketlake, and its peers from PyPI in environments of their own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import wire
from scripts.environments import environment, node_environment

MOTO = "moto[server]==5.2.5"
MINISTACK = "ministack==1.5.33"
KINESIS_MOCK = "kinesis-local@0.6.2"
KINESALITE = "kinesalite@3.3.3"
START_SECONDS = 30.0
SETTLE_SECONDS = 1.0

OWN = "pocketlake"


@dataclass(slots=True, frozen=True)
class System:
    """A running server; `ready_seconds` from process start to its first good answer, `idle_mb` after that answer."""

    name: str
    url: str
    process: int
    ready_seconds: float
    idle_mb: float

    @property
    def resident_mb(self) -> float:
        return resident_mb(self.process)


@contextmanager
def systems(folder: Path, peers: bool = True) -> Iterator[list[System]]:
    """Pocketlake first, then the peers."""
    with ExitStack() as stack:
        running = [stack.enter_context(pocketlake(folder))]
        if peers:
            running.append(stack.enter_context(moto(folder)))
            running.append(stack.enter_context(ministack(folder)))
        yield running


@contextmanager
def pocketlake(folder: Path, durability: str = "process") -> Iterator[System]:
    port = free_port()
    home = folder / f"lake-{durability}"
    command = [sys.executable, "-m", "pocketlake.cli.main", "up", "--port", str(port), "--directory", str(home)]
    command += ["--limits", "off", "--durability", durability]
    with running(OWN, command, port, folder) as system:
        yield system


@contextmanager
def moto(folder: Path) -> Iterator[System]:
    python = environment("moto-server", (MOTO,))
    port = free_port()
    command = [str(python.parent / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    with running("moto", command, port, folder) as system:
        yield system


@contextmanager
def ministack(folder: Path) -> Iterator[System]:
    python = environment("ministack", (MINISTACK,))
    port = free_port()
    settings = {"GATEWAY_PORT": str(port), "PERSIST_STATE": "0", "LOG_LEVEL": "ERROR"}
    with running("ministack", [str(python.parent / "ministack")], port, folder, settings) as system:
        yield system


@contextmanager
def stream_systems(folder: Path) -> Iterator[list[System]]:
    """The peers that are Kinesis alone, where there is Node."""
    node = shutil.which("node")
    modules = node_environment("kinesis-peers", (KINESIS_MOCK, KINESALITE)) if node else None
    if node is None or modules is None:
        yield []
        return
    with ExitStack() as stack:
        port, tls = free_port(), free_port()
        settings = {
            "KINESIS_MOCK_PLAIN_PORT": str(port), "KINESIS_MOCK_TLS_PORT": str(tls), "LOG_LEVEL": "ERROR",
            "KINESIS_MOCK_CERT_PATH": str(modules / "kinesis-local" / "server.json"),
        }  # fmt: skip
        command = [node, str(modules / "kinesis-local" / "main.js")]
        mock = stack.enter_context(running("kinesis-mock", command, port, folder, settings, _lists_streams))
        port = free_port()
        command = [node, str(modules / "kinesalite" / "cli.js"), "--port", str(port), "--shardLimit", "100"]
        lite = stack.enter_context(running("kinesalite", command, port, folder, answers=_lists_streams))
        yield [mock, lite]


@contextmanager
def nginx(root: Path, folder: Path) -> Iterator[str | None]:
    """nginx serving `root` with sendfile and one worker, or None where there is no nginx."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        yield None
        return
    port = free_port()
    settings = folder / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""  # else the worker may not read our scratch folder
    settings.write_text(
        f"daemon off; {user} worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.err;\n"
        f"events {{ worker_connections 512; }}\n"
        f"http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;\n"
        f"  server {{ listen 127.0.0.1:{port}; root {root}; }} }}\n"
    )
    process = subprocess.Popen([program, "-c", str(settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _until(lambda: _connects(port), process, "nginx")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@contextmanager
def running(
    name: str,
    command: list[str],
    port: int,
    folder: Path,
    settings: dict[str, str] | None = None,
    answers: Callable[[str], bool] | None = None,
) -> Iterator[System]:
    url = f"http://127.0.0.1:{port}"
    home = folder / name
    home.mkdir(exist_ok=True)
    started = time.perf_counter()
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=home, env={**os.environ, **(settings or {})})
    try:
        _until(lambda: (answers or _answers)(url), process, name)
        ready = time.perf_counter() - started
        time.sleep(SETTLE_SECONDS)
        yield System(name, url, process.pid, ready, resident_mb(process.pid))
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _until(succeeds: Callable[[], bool], process: subprocess.Popen[bytes], name: str) -> None:
    deadline = time.perf_counter() + START_SECONDS
    while not succeeds():
        if process.poll() is not None:
            raise RuntimeError(f"{name} ended with {process.returncode} before it answered")
        if time.perf_counter() > deadline:
            raise RuntimeError(f"{name} did not answer within {START_SECONDS:.0f} s")
        time.sleep(0.005)


def _answers(url: str) -> bool:
    """Whether S3's ListBuckets succeeds: an AWS call, not a health page."""
    request = urllib.request.Request(f"{url}/", headers={"Authorization": wire.authorization("s3")})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _lists_streams(url: str) -> bool:
    head, _, body = wire.kinesis(url, "ListStreams", {}).partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _connects(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def resident_mb(process: int) -> float:
    """Resident memory of a process and its children, in MB (Linux; 0 elsewhere)."""
    status = Path(f"/proc/{process}/status")
    if not status.exists():
        return 0.0
    own = next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmRSS"))
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return own / 1024 + sum(resident_mb(int(child)) for child in children)
