"""What does the HTTP front cost, and how near are its files to nginx's?

    .venv/bin/python benchmarks/http_front.py [seconds]

The server runs on one core and wrk on another. Rounds are interleaved, the best of each row counts, since the
neighbours' noise only ever slows. Needs wrk; the comparison needs nginx.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROUNDS = 3
BIG, SMALL = 8 * 1024 * 1024, 10 * 1024

SERVER = """
import os, sys, uvloop, asyncio
from pocketlake.gateway import http_writer
from pocketlake.gateway.http import Front, HttpLimits
from pocketlake.gateway.message import FileSlice, Response

folder, copies = sys.argv[1], sys.argv[2] == "copy"
if copies:  # files through the transport, piece by piece: the path that TLS takes
    http_writer.duplicate = lambda transport: None
headers = [("Content-Type", "application/x-amz-json-1.1"),
    ("x-amzn-RequestId", "0b3d9ee2-7b6e-5a5c-b8a5-000000000001")]

def handle(request, reply):
    if request.target == "/big":
        reply(Response(200, headers, FileSlice(folder + "/big", 0, os.path.getsize(folder + "/big"))))
    elif request.target == "/small":
        reply(Response(200, headers, FileSlice(folder + "/small", 0, os.path.getsize(folder + "/small"))))
    else:
        reply(Response(200, headers, b'{"hello":"world"}'))

async def main():
    front = Front(handle, HttpLimits(), lambda: b"Tue, 01 Jan 2013 05:00:00 GMT")
    print(await front.listen("127.0.0.1", 0), flush=True)
    await asyncio.Event().wait()

uvloop.new_event_loop().run_until_complete(main())
"""

NGINX = """
worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{ listen 127.0.0.1:{port}; root {folder}; location = / {{ return 200 '{{"hello":"world"}}'; }} }} }}
"""

PIN_SERVER, PIN_LOAD = (["taskset", "-c", "0"], ["taskset", "-c", "1"]) if (os.cpu_count() or 1) > 1 else ([], [])


@contextmanager
def front(folder: Path, mode: str) -> Iterator[int]:
    command = [*PIN_SERVER, sys.executable, "-c", SERVER, str(folder), mode]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()


@contextmanager
def nginx(folder: Path, port: int) -> Iterator[int]:
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port))
    command = [*PIN_SERVER, "nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "e.log")]
    process = subprocess.Popen(command)
    try:
        yield port
    finally:
        process.terminate()
        process.wait()


def wrk(port: int, path: str, connections: int, seconds: int) -> float:
    """Requests a second."""
    address = f"http://127.0.0.1:{port}{path}"
    command = [*PIN_LOAD, "wrk", "-t1", f"-c{connections}", f"-d{seconds}", address]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in text, text
    found = re.search(r"Requests/sec:\s+([\d.]+)", text)
    assert found is not None, text
    return float(found[1])


ROWS = [("hello", "/", 1), ("hello", "/", 32), ("10 KiB file", "/small", 32), ("8 MiB file", "/big", 8)]


def main() -> None:
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "big").write_bytes(os.urandom(BIG))
        (folder / "small").write_bytes(os.urandom(SMALL))
        servers = {
            "front": stack.enter_context(front(folder, "sendfile")),
            "front, copying": stack.enter_context(front(folder, "copy")),
        }
        if shutil.which("nginx"):
            servers["nginx"] = stack.enter_context(nginx(folder, 18_480 + os.getpid() % 1000))
        best = dict.fromkeys(((server, row) for row in ROWS for server in servers), 0.0)
        for _ in range(ROUNDS):
            for server, row in best:
                best[server, row] = max(best[server, row], wrk(servers[server], row[1], row[2], seconds))
    print(f"{'':24}" + "".join(f"{server:>18}" for server in servers) + "   front : nginx")
    for row in ROWS:
        figures = [best[server, row] for server in servers]
        ratio = f"{best['front', row] / best['nginx', row]:16.2f}" if "nginx" in servers else ""
        print(f"{row[0] + f', c={row[2]}':24}" + "".join(f"{figure:14,.0f} /s" for figure in figures) + ratio)


if __name__ == "__main__":
    main()
