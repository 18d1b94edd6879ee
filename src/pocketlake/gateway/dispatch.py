"""From a request to its answer: who, which operation, what it asks, do it, answer when the turn is committed."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
import types
import zlib
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any

from pocketlake.gateway import chunked, control, route, signature
from pocketlake.gateway.message import Request, Response
from pocketlake.gateway.model import Operation, ServiceModel, load
from pocketlake.kernel import access
from pocketlake.kernel.access import Principal
from pocketlake.kernel.call import Call, invoke
from pocketlake.kernel.errors import InternalFailure, NotImplemented501, ServiceError
from pocketlake.kernel.lake import Lake
from pocketlake.kernel.trail import Event

log = logging.getLogger("pocketlake.gateway")

Reply = Callable[[Response], None]

FORM = "application/x-www-form-urlencoded"
BUFFERED_BODY_LIMIT = 64 * 1024 * 1024  # of operations that do not stream


class Gateway:
    """The application behind the HTTP front."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self.control = control.Control(lake)
        self._models: dict[str, ServiceModel] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def handle(self, request: Request, reply: Reply) -> None:
        """Answer `request` through `reply`, once, after the commit of the turn that made the answer."""
        if self.control.owns(request):
            self._release_when_done(self.control.answer(request), reply)
            return
        try:
            answer = Exchange(self, request).answer()
        except ServiceError as error:
            answer = _plain_failure(error, self.lake.request_id())
        except ConnectionError:
            return  # the caller is gone; there is nobody to answer
        except Exception:
            answer = self._fault(request)
        if isinstance(answer, Response):
            self._release(answer, reply)
        else:
            self._release_when_done(answer, reply)

    def model(self, service: str) -> ServiceModel:
        model = self._models.get(service)
        if model is None:
            model = self._models[service] = load(service, self.lake.service(service).validation_error)
        return model

    def _release(self, answer: Response, reply: Reply) -> None:
        self.lake.store.after_commit(reply, answer, COMMIT_FAILED)

    def _release_when_done(self, waiting: Awaitable[Response], reply: Reply) -> None:
        async def run() -> None:
            try:
                answer = await waiting
            except asyncio.CancelledError:
                raise
            except ConnectionError:
                return  # the caller is gone; there is nobody to answer
            except Exception:
                log.exception("a call failed by a fault of ours")
                answer = _plain_failure(InternalFailure(), self.lake.request_id())
            self._release(answer, reply)

        self._tasks.add(task := asyncio.get_running_loop().create_task(run()))
        task.add_done_callback(self._tasks.discard)

    def _fault(self, request: Request) -> Response:
        log.exception("%s %s failed by a fault of ours", request.method, request.target.partition("?")[0])
        return _plain_failure(InternalFailure(), self.lake.request_id())


class Exchange:
    """One request under way: what is found out about it step by step."""

    __slots__ = ("call", "gateway", "labels", "lake", "model", "operation", "query", "request", "request_id", "started")

    def __init__(self, gateway: Gateway, request: Request) -> None:
        self.gateway = gateway
        self.lake = gateway.lake
        self.request = request
        self.request_id = self.lake.request_id()
        self.started = time.perf_counter()
        self.model: ServiceModel | None = None
        self.operation: Operation | None = None
        self.call: Call | None = None

    def answer(self) -> Response | Awaitable[Response]:
        try:
            return self._begin()
        except ServiceError as error:
            return self._fail(error)
        except Exception:
            log.exception("%s failed by a fault of ours", self._name())
            return self._fail(InternalFailure(self.request_id))

    def _begin(self) -> Response | Awaitable[Response]:
        request = self.request
        if not isinstance(request.body, bytes) and _is_form(request):
            return self._read_then(self._begin)  # it says in its body what is asked
        credential = signature.credential(request)
        service = route.service_of(request, credential.service if credential else "")
        try:
            self.lake.service(service)
        except KeyError:
            self.model = unbuilt(service)
            raise NotImplemented501(f"The service {service}") from None
        self.model = model = self.gateway.model(service)
        region = credential.region if credential and credential.region else self.lake.config.region
        principal, secret = self._identify(credential, service)
        trailers: dict[str, str] = {}
        if chunked.is_chunked(request):
            verifier = chunked.verifier(request, credential, secret) if credential and secret else None
            request.body = chunked.decode(request, verifier, trailers)
        self._route(model, service)
        assert self.operation is not None
        self._check_unsigned(credential, service)
        self.call = Call(
            self.lake,
            self.lake.service(service),
            principal.account,
            region,
            self.operation.python_name,
            principal,
            self.request_id,
            _endpoint(request, self.lake.endpoint),
            request,
        )
        self.call.trailers = trailers
        if not isinstance(request.body, bytes) and not self.operation.streaming_input:
            return self._read_then(self._run)
        return self._run()

    def _identify(self, credential: signature.Credential | None, service: str) -> tuple[Principal, str]:
        """Who asks, and the secret if the lake knows it. A known key's signature is always checked."""
        config = self.lake.config
        if credential is None:
            # Public buckets too: who may read them is a policy's word, and policies are not enforced yet.
            if config.auth == "signed" and not self.lake.service(service).unsigned:
                raise signature.missing(service)
            return Principal.anonymous(config.account), ""
        known = access.find(self.lake.store, credential.access_key)
        if known is not None:
            if known.status != "Active":
                raise signature.unknown_key(service, credential)
            if known.is_expired(self.lake.clock.now()):
                raise signature.expired(service)
            # Skew is judged by the machine's time: clients know nothing of the lake's moved clock.
            signature.verify(self.request, credential, known.secret, time.time(), known.session_token)
            return known.principal, known.secret
        if config.auth == "signed":
            raise signature.unknown_key(service, credential)
        key = credential.access_key
        account = key if len(key) == 12 and key.isdigit() else config.account
        return Principal.root(account, key), ""

    def _check_unsigned(self, credential: signature.Credential | None, service: str) -> None:
        """In signed mode nobody in particular may call but what its service opens to everybody."""
        if credential is None and self.lake.config.auth == "signed":
            assert self.operation is not None
            if self.operation.python_name not in self.lake.service(service).unsigned:
                raise signature.missing(service)

    def _route(self, model: ServiceModel, service: str) -> None:
        """Find the operation; the path-style target is what REST services are matched by."""
        request = self.request
        target = request.target
        if service == "s3" and (bucket := route.virtual_bucket(request)):
            target = bucket.target
        path, query = route.split_target(target)
        self.query = route.query_pairs(query) if query else []
        if service == "sqs" and path.count("/") == 2:
            # Older clients post to the queue's own URL; a QueueUrl in the form wins over it.
            self.query.append(("QueueUrl", _endpoint(request, self.lake.endpoint) + path))
        if service == "s3":
            if "x-amz-" in query.lower():
                _lift_headers(request, self.query)
        elif "content-encoding" in request.headers:
            _inflate(request)
        self.operation, self.labels = model.route(request, path, self.query)

    async def _read_then(self, go_on: Callable[[], Response | Awaitable[Response]]) -> Response:
        """A body that is still arriving, for what wants it whole."""
        pieces, size = [], 0
        body: Any = self.request.body
        try:
            while piece := await body.read():
                pieces.append(piece)
                size += len(piece)
                if size > BUFFERED_BODY_LIMIT:
                    raise ServiceError("RequestEntityTooLarge", "The request body is too large.", status=413)
            self.request.body = b"".join(pieces)
            answer = go_on()
        except ServiceError as error:
            return self._fail(error)
        return answer if isinstance(answer, Response) else await answer

    def _run(self) -> Response | Awaitable[Response]:
        assert self.operation is not None
        assert self.call is not None
        if self.call.operation not in self.lake.service(self.call.service).operations:
            raise NotImplemented501(f"{self.call.service} {self.operation.name}")
        if self.lake.faults:
            self.lake.faults.strike(self.call.service, self.operation.name)
        if "content-encoding" in self.request.headers and not self.operation.streaming_input:
            _inflate(self.request)  # where it had not arrived yet
        parameters = self.operation.parse(self.request, self.labels, self.query)
        self.lake.store.enter()
        result = invoke(self.call, parameters)
        if type(result) is not dict and inspect.isawaitable(result):
            return _begun(self._await(result))
        return self._respond(result)

    async def _await(self, result: Awaitable[dict[str, Any]]) -> Response:
        try:
            return self._respond(await result)
        except ServiceError as error:
            return self._fail(error)
        except (asyncio.CancelledError, ConnectionError):
            raise
        except Exception:
            log.exception("%s failed by a fault of ours", self._name())
            return self._fail(InternalFailure(self.request_id))

    def _respond(self, result: dict[str, Any] | None) -> Response:
        assert self.operation is not None
        response = self.operation.respond(result or {}, self.request_id)
        self._record("")
        return response

    def _fail(self, error: ServiceError) -> Response:
        self._record(error.code)
        if self.operation is not None:
            response = self.operation.fail(error, self.request_id)
        elif self.model is not None:
            response = self.model.fail(error, self.request_id, self.request)
        else:
            response = _plain_failure(error, self.request_id)
        return response

    def _record(self, error: str) -> None:
        call = self.call
        if call is not None:
            seconds = time.perf_counter() - self.started
            now = self.lake.clock.now()
            self.lake.trail.record(
                Event(
                    now,
                    call.account,
                    call.region,
                    call.service,
                    call.operation,
                    call.principal.arn,
                    self.request_id,
                    error,
                    seconds,
                )
            )
            if (ended := call._service.ended) is not None:
                ended(call, error, seconds, now)

    def _name(self) -> str:
        return f"{self.call.service} {self.call.operation}" if self.call else self.request.method


def _begun(coroutine: Coroutine[Any, Any, Response]) -> Response | Awaitable[Response]:
    """Run at once as far as it goes: most operations that can wait need not, and need no task of their own."""
    try:
        waited_for = coroutine.send(None)
    except StopIteration as done:
        answer: Response = done.value
        return answer
    return _rest(coroutine, waited_for)


@types.coroutine
def _rest(coroutine: Coroutine[Any, Any, Response], waited_for: Any) -> Generator[Any, Any, Response]:
    """What is left of a coroutine that has begun and waits."""
    try:
        while True:
            try:
                sent = yield waited_for
            except BaseException as error:
                waited_for = coroutine.throw(error)
            else:
                waited_for = coroutine.send(sent)
    except StopIteration as done:
        answer: Response = done.value
        return answer


SIGNING_PARAMETERS = {"algorithm", "credential", "date", "expires", "signedheaders", "signature", "security-token"}


def _lift_headers(request: Request, query: list[tuple[str, str]]) -> None:
    """A presigned URL carries x-amz- headers (metadata, checksums, ACLs) as parameters: S3 reads either."""
    for name, value in query:
        lower = name.lower()
        if lower.startswith("x-amz-") and lower.removeprefix("x-amz-") not in SIGNING_PARAMETERS:
            request.headers.setdefault(lower, value)


def _inflate(request: Request) -> None:
    """SDKs compress large requests of operations whose model says so (PutMetricData)."""
    if request.headers["content-encoding"].lower() != "gzip" or not isinstance(request.body, bytes):
        return
    inflater = zlib.decompressobj(wbits=31)
    try:
        body = inflater.decompress(request.body, BUFFERED_BODY_LIMIT)
        if inflater.unconsumed_tail:
            raise ServiceError("RequestEntityTooLarge", "The request body is too large.", status=413)
        if not inflater.eof or inflater.unused_data:
            raise zlib.error("it ends too early, or goes on behind its end")
    except zlib.error:
        raise ServiceError("SerializationException", "The request body is not valid gzip.", status=400) from None
    request.body = body
    del request.headers["content-encoding"]


def _is_form(request: Request) -> bool:
    """Of the query protocol. Objects may be stored with this content type, too, but never by a POST to the root."""
    return (
        request.method == "POST" and request.target == "/" and request.headers.get("content-type", "").startswith(FORM)
    )


def _endpoint(request: Request, fallback: str) -> str:
    host = request.headers.get("host")
    return f"{'https' if request.secure else 'http'}://{host}" if host else fallback


def _plain_failure(error: ServiceError, request_id: str) -> Response:
    """For requests of which not even the service is known: a form that most clients read."""
    body = f'{{"__type": "{error.code}", "message": "{_escape(error.message)}"}}'.encode()
    headers = [
        ("Content-Type", "application/x-amz-json-1.1"),
        ("x-amzn-RequestId", request_id),
        ("x-amzn-ErrorType", error.code),
    ]
    return Response(error.status or 400, headers, body)


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")


COMMIT_FAILED = _plain_failure(ServiceError("InternalFailure", "The write could not be committed.", status=500), "")


def unbuilt(service: str) -> ServiceModel | None:
    """The model of a service that AWS has and the lake has not: its refusal takes that service's own form."""
    try:
        return load(service)
    except KeyError:
        return None
