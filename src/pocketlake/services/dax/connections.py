"""One client's connection: requests one after another, each answered before the next is begun.

Whatever arrives, nothing but this connection is concerned: a request that cannot be read ends it, after an error where
there is still somebody to tell.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import time
from typing import TYPE_CHECKING, Any, cast

from pocketlake.kernel.access import Principal
from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import InternalFailure, ServiceError
from pocketlake.kernel.trail import Event

from . import authorizations, metrics, quotas
from .methods import AUTHORIZE, ENDPOINTS, METHODS, SERVICE, Method
from .requests import Request
from .service import refuse
from .wire import answers, failures, values
from .wire.scanning import Malformed, Scanner

if TYPE_CHECKING:
    from .running import Running

log = logging.getLogger("pocketlake.dax")

MAGIC = "J7yne5G"
PLAIN, FRAMED = 0, 1  # layering: answers as they are, or with a head that says how long they are
LAST_FRAME = b"\x01\0\0\0"
GREETING = 5  # values: magic, layering, session, header, types
HELD_BYTES = 256 * 1024  # of further requests, while one is answered
STRANGER_BYTES = int(quotas.STRANGER_BYTES.value)
LEADER, REPLICA = 1, 2
COMMIT_FAILED = ServiceError("InternalServerError", "The request could not be committed.", 500)


class Connection(asyncio.Protocol):
    def __init__(self, running: Running, node: str) -> None:
        self.node = node
        self._running = running
        self._lake = running.lake
        self._transport: asyncio.Transport
        self._buffer = bytearray()
        self._scanner = Scanner(STRANGER_BYTES)
        self._greeted = self._is_framed = False
        self._method: Method | None = None
        self._parameters_at = 0
        self._is_answering = self._is_resting = self._is_full = self._is_paused = self._is_closed = False
        self._is_ending = False
        self._principal: Principal | None = None
        self._authorized_until = 0.0
        self._deadline: asyncio.TimerHandle | None = None
        self._scanner.expect(GREETING)

    # The socket

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._running.connections.add(self)
        if len(self._running.connections) > quotas.CONNECTIONS.value:
            self.abort()
            return
        self._set_deadline()

    def connection_lost(self, error: Exception | None) -> None:
        self._is_closed = True
        self._running.connections.discard(self)
        self._clear_deadline()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not (self._is_answering or self._is_resting or self._is_full):
            self._go_on()
        elif len(self._buffer) > HELD_BYTES and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False
        if not (self._is_answering or self._is_resting):
            self._go_on()

    def abort(self) -> None:
        self._is_closed = True
        self._transport.abort()

    def finish(self) -> None:
        """Answer what is being answered, and nothing more."""
        self._is_ending = True
        if not self._is_answering and not self._is_closed:
            self._end()

    def _end(self) -> None:
        """Let what was written out, and hear nothing more."""
        self._is_closed = True
        self._transport.close()

    def _write(self, answer: bytes) -> None:
        if self._is_framed:
            answer = (len(answer) + 8).to_bytes(4, "big") + LAST_FRAME + answer
        self._transport.write(answer)

    def _set_deadline(self) -> None:
        """Of the machine's time: it concerns sockets."""
        if self._deadline is None:
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(quotas.REQUEST_SECONDS.value, self.abort)

    def _clear_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    # From bytes to requests

    def _go_on(self) -> None:
        """Serve what has come; others have their turn after some requests."""
        self._is_resting = False
        left = quotas.REQUESTS_A_TURN.value
        try:
            while not (self._is_answering or self._is_full or self._is_closed) and left and self._step():
                left -= 1
        except Malformed as mistake:
            self._tell(refuse(f"The request could not be read: {mistake}"))
            self._end()
        if self._is_closed:
            return
        if not left:
            self._is_resting = True
            asyncio.get_running_loop().call_soon(self._go_on)
        if self._is_paused and not (self._is_answering or self._is_resting or self._is_full):
            self._is_paused = False
            self._transport.resume_reading()
        if self._is_answering or self._is_resting or not (self._buffer or not self._greeted):
            self._clear_deadline()
        else:
            self._set_deadline()

    def _step(self) -> bool:
        """Take the next values if they are there. False: they are still to come."""
        buffer, scanner = self._buffer, self._scanner
        if len(buffer) < scanner.wanted or not buffer:
            return False
        if not self._greeted:
            return self._greet()
        if self._method is None:
            if buffer[0] != SERVICE:
                raise Malformed("there is no such service")
            if not scanner.at:
                scanner.expect(2)
            if not scanner.scan(buffer):
                return False
            self._method = self._method_of(bytes(buffer[: scanner.at]))
            self._parameters_at = scanner.at
            scanner.expect(self._method.parameters)
        if not scanner.scan(buffer):
            return False
        raw = bytes(buffer[: scanner.at])
        method, at = self._method, self._parameters_at
        self._next(scanner.at)
        self._serve(method, raw, at)
        return True

    def _next(self, size: int) -> None:
        del self._buffer[:size]
        self._scanner = Scanner() if self._principal is not None else Scanner(STRANGER_BYTES)
        self._method = None

    def _greet(self) -> bool:
        buffer = self._buffer
        if buffer[0] != 0x60 | len(MAGIC):
            raise Malformed("no client of DAX")
        if not self._scanner.scan(buffer):
            return False
        magic, layering, *_ = values.load_all(bytes(buffer[: self._scanner.at]))
        if magic != MAGIC or layering not in (PLAIN, FRAMED):
            raise Malformed("no client of DAX")
        self._is_framed = layering == FRAMED
        self._next(self._scanner.at)
        self._greeted = True
        return True

    @staticmethod
    def _method_of(data: bytes) -> Method:
        _, number = values.load_all(data)
        method = METHODS.get(number) if type(number) is int else None
        if method is None:
            raise Malformed(f"there is no method {number}")
        return method

    # From requests to answers

    def _serve(self, method: Method, raw: bytes, at: int) -> None:
        """Answer at once, or when the turn that made the answer is committed."""
        started, request_id = time.perf_counter(), self._lake.request_id()
        call, error = self._call(method, request_id), ""
        request: Request | None = None
        parameters: list[Any] = []
        try:
            parameters = values.load(values.head(4, method.parameters) + raw[at:])
            if method.handler is None:
                self._answer_self(method, parameters)
                return
            request = self._request(method, call, raw, parameters)
            answer = self._perform(method, request, parameters)
        except Malformed as mistake:
            failed = refuse(f"The request could not be read: {mistake}")
            error, answer = failed.code, failures.encode(failed, request_id)
        except ServiceError as failed:
            error, answer = failed.code, self._failure(failed, request, parameters, request_id)
            if method is METHODS[AUTHORIZE]:
                self._write(answer)
                self._end()
                return
        except Exception:
            log.exception("dax %s failed by a fault of ours", method.name)
            fault = InternalFailure(request_id)
            error, answer = fault.code, failures.encode(fault, request_id)
        self._record(call, error, started)
        self._release(method, request, answer, request_id)

    def _release(self, method: Method, request: Request | None, answer: bytes, request_id: str) -> None:
        if request is None or not (request.has_touched_the_table or method.writes):
            self._write(answer)
            return
        self._is_answering = True
        later = request.later

        def release(is_committed: bool) -> None:
            self._is_answering = False
            if is_committed:
                for step in later:
                    step()
            if not self._is_closed:
                self._write(answer if is_committed else failures.encode(COMMIT_FAILED, request_id))
                if self._is_ending:
                    self._end()
                else:
                    self._go_on()

        self._lake.store.after_commit(release, True, False)

    def _call(self, method: Method, request_id: str) -> Call:
        running = self._running
        principal = self._principal or Principal.anonymous(running.account)
        service = self._lake.service("dax")
        return Call(self._lake, service, running.account, running.region, method.python_name, principal, request_id)

    def _request(self, method: Method, call: Call, raw: bytes, parameters: list[Any]) -> Request:
        """Who asks may ask it, and the cluster is there."""
        self._check_authorized()
        cluster = call.resources("cluster").find(self._running.name)
        if cluster is None:
            raise ServiceError("InternalServerError", "The cluster is gone.", 500)
        if self._lake.faults:
            self._lake.faults.strike("dax", method.name)
        if method.python_name in metrics.REQUESTS:
            asked: dict[str, Any] = {"ClusterName": cluster.name}
            if method.python_name == "transact_write_items" and type(parameters[0]) is list:
                asked["Operations"] = [operation for operation in parameters[0] if type(operation) is int]
            self._lake.authorise(call, asked)
        return Request(call, cluster, self._running, self._running.meter(call, self.node), raw)

    def _check_authorized(self) -> None:
        if self._principal is None or asyncio.get_running_loop().time() > self._authorized_until:
            raise authorizations.missing()

    def _perform(self, method: Method, request: Request, parameters: list[Any]) -> bytes:
        assert method.handler is not None
        if not method.writes:
            return answers.OK + method.handler(request, *parameters)
        with self._lake.store.transaction():
            return answers.OK + method.handler(request, *parameters)

    def _failure(self, failed: ServiceError, request: Request | None, parameters: list[Any], request_id: str) -> bytes:
        if request is None:
            return failures.encode(failed, request_id)
        request.later.clear()
        return failures.encode(failed, request_id, lambda at, item: self._cancelled(request, parameters, at, item))

    @staticmethod
    def _cancelled(request: Request, parameters: list[Any], at: int, item: dict[str, Any]) -> bytes:
        """An item that a cancelled transaction shows; its table is in the transaction's second parameter."""
        return request.encode(request.table(parameters[1][at]), item)

    def _record(self, call: Call, error: str, started: float) -> None:
        seconds, now = time.perf_counter() - started, call.now
        own = metrics.REQUESTS.get(call.operation)
        if own is not None:
            meter = self._running.meter(call, self.node)
            for metric in (own, *metrics.outcomes(error)):
                meter.add(metric, 1, now)
        self._lake.trail.record(
            Event(
                now, call.account, call.region, "dax", call.operation, call.principal.arn, call.request_id, error,
                seconds,
            )
        )  # fmt: skip

    # What concerns the connection itself

    def _answer_self(self, method: Method, parameters: list[Any]) -> None:
        if METHODS[AUTHORIZE] is method:
            self._principal = authorizations.authorize(self._lake, self._running.account, parameters)
            self._authorized_until = asyncio.get_running_loop().time() + quotas.AUTHORIZATION_SECONDS.value
            self._scanner = Scanner()  # the next request may be as large as any
            return  # no answer: clients go on without waiting for one
        assert METHODS[ENDPOINTS] is method
        self._check_authorized()
        self._write(answers.OK + self._endpoints())

    def _endpoints(self) -> bytes:
        """The nodes that can be asked, each under the address by which this client came."""
        call = self._call(METHODS[ENDPOINTS], "")
        cluster = call.resources("cluster").find(self._running.name)
        host = self._transport.get_extra_info("sockname")[0].partition("%")[0]
        address = ipaddress.ip_address(host).packed
        found = []
        nodes = [node for node in (cluster["Nodes"] if cluster else ()) if node["NodeId"] in self._running.ports]
        for number, node in enumerate(nodes):
            port = self._running.ports[node["NodeId"]]
            role = REPLICA if number else LEADER
            zone = node["AvailabilityZone"]
            found.append({0: number + 1, 1: host, 2: address, 3: port, 4: role, 5: zone, 6: 0})
        return values.dump(found)

    def _tell(self, error: ServiceError) -> None:
        self._write(failures.encode(error, self._lake.request_id()))
