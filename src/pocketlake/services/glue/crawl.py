"""A crawl: list the targets, read a little of each file, find the tables, write them to the catalog."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from pocketlake.engines.formats import hive_types, infer, infer_binary, infer_grok
from pocketlake.engines.formats.infer import CsvClassifier, Custom, Finding, GrokClassifier, Sample
from pocketlake.kernel.blobs import FileSlice
from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError

from . import classifiers, crawl_layout, store
from .crawl_catalog import Summary, Writer, policies_of

UNSUPPORTED_TARGETS = (
    "JdbcTargets",
    "MongoDBTargets",
    "DynamoDBTargets",
    "CatalogTargets",
    "DeltaTargets",
    "IcebergTargets",
    "HudiTargets",
)


class Stopped(Exception):
    """StopCrawler asked the crawl to end."""


class CannotCrawl(Exception):
    """The crawl fails with this message."""


def unsupported(call: Call, crawler: dict[str, Any]) -> str:
    """What the crawler asks for and nothing here would do; "" when all is well."""
    targets = crawler["Targets"]
    for kind in UNSUPPORTED_TARGETS:
        if targets.get(kind):
            return f"Glue crawlers' {kind}"
    if crawler.get("RecrawlPolicy", {}).get("RecrawlBehavior") == "CRAWL_EVENT_MODE":
        return "Glue crawlers' event mode"
    for name in crawler.get("Classifiers", []):
        classifier = call.resources("classifier").find(name)
        if classifier is not None and (kind := classifiers.kind_of(classifier)) not in classifiers.OBEYED:
            return f"Glue crawlers' {kind}"
    return ""


async def crawl(call: Call, crawler: dict[str, Any], is_stopped: Any) -> Summary:
    """Everything that one run does; the catalog changes at its end, all at once.  [GLUE-005, GLUE-023]"""
    configuration = orjson.loads(crawler.get("Configuration") or "{}")
    custom = _custom(call, crawler)
    writer = Writer(call, crawler, policies_of(crawler, configuration))
    level = configuration.get("Grouping", {}).get("TableLevelConfiguration", 0)
    found = []
    for target in crawler["Targets"].get("S3Targets", []):
        bucket, prefix = _split(target["Path"])
        reader = Reader(call, crawler, bucket, custom, is_stopped)
        files = await reader.findings(target, prefix)
        found.append((bucket, crawl_layout.tables_of(_root(prefix, files), files, level), reader))
    with call.transaction():
        for bucket, tables, reader in found:
            for table in tables:
                writer.write(bucket, table)
            reader.remember()
        writer.sweep([target["Path"] for target in crawler["Targets"].get("S3Targets", [])])
    return writer.summary


def _root(prefix: str, files: list[tuple[str, Finding]]) -> str:
    """The folder that the path names, with or without a slash at its end; an object's folder."""
    if prefix and any(key.startswith(f"{prefix}/") for key, _ in files):
        return f"{prefix}/"
    return prefix[: prefix.rfind("/") + 1]


def _split(path: str) -> tuple[str, str]:
    """Bucket and key prefix."""
    bucket, _, prefix = path.removeprefix("s3://").partition("/")
    return bucket, prefix


def _custom(call: Call, crawler: dict[str, Any]) -> list[Custom]:
    """The crawler's own classifiers, in their order."""
    found: list[Custom] = []
    for name in crawler.get("Classifiers", []):
        classifier = classifiers.find(call, name)
        if classifiers.kind_of(classifier) == "GrokClassifier":
            found.append(_grok(name, classifier["GrokClassifier"]))
        else:
            found.append(_csv(classifier["CsvClassifier"]))
    return found


def _grok(name: str, given: dict[str, Any]) -> GrokClassifier:
    custom = GrokClassifier(given["Classification"], given["GrokPattern"], given.get("CustomPatterns", ""))
    try:
        infer_grok.compile(custom.pattern, custom.custom_patterns)
    except infer_grok.GrokError as error:
        raise CannotCrawl(f"The grok pattern of classifier {name} cannot be used: {error}.") from None
    return custom


def _csv(given: dict[str, Any]) -> CsvClassifier:
    return CsvClassifier(
        given.get("Delimiter", ""),
        given.get("QuoteSymbol", ""),
        given.get("ContainsHeader", "UNKNOWN"),
        tuple(given.get("Header", ())),
        not given.get("DisableValueTrimming", False),
        given.get("AllowSingleColumn", False),
        tuple(given.get("CustomDatatypes", ())) if given.get("CustomDatatypeConfigured") else (),
        given.get("Serde", "None"),
    )


class Reader:
    """Finds out what the files of one target are."""

    def __init__(self, call: Call, crawler: dict[str, Any], bucket: str, custom: list[Custom], is_stopped: Any) -> None:
        self.call = call
        self.s3 = call.aws.s3
        self.crawler = crawler
        self.bucket = bucket
        self.custom = custom
        self.is_stopped = is_stopped
        self.is_incremental = crawler.get("RecrawlPolicy", {}).get("RecrawlBehavior") == "CRAWL_NEW_FOLDERS_ONLY"
        self.fresh: dict[str, list[tuple[str, Finding]]] = {}

    async def findings(self, target: dict[str, Any], prefix: str) -> list[tuple[str, Finding]]:
        """Of every file below the prefix, or of SampleSize files a folder; old folders keep what was found then."""
        sizes = {key: size for key, size in self._list(prefix) if not _is_excluded(key, prefix, target)}
        known = store.crawled_folders(self.call, self.crawler["Name"]) if self.is_incremental else {}
        limit = target.get("SampleSize") or None
        found: list[tuple[str, Finding]] = []
        for folder, keys in crawl_layout.by_folder(sizes).items():
            if (before := known.get(f"s3://{self.bucket}/{folder}")) is not None:
                found += [(key, _finding(document)) for key, document in before["files"]]
                continue
            self.fresh[folder] = [(key, await self._read(key, sizes[key])) for key in keys[:limit]]
            found += self.fresh[folder]
        return found

    def remember(self) -> None:
        if self.is_incremental:
            for folder, files in self.fresh.items():
                body = {"files": [(key, _document(finding)) for key, finding in files]}
                store.put_crawled_folder(self.call, self.crawler["Name"], f"s3://{self.bucket}/{folder}", body)

    def _list(self, prefix: str) -> Iterator[tuple[str, int]]:
        """(key, size) of the objects at or below the prefix that hold data."""
        request: dict[str, Any] = {"Bucket": self.bucket, "Prefix": prefix}
        while True:
            try:
                page = self.s3.list_objects_v2(**request)
            except ServiceError as error:
                raise CannotCrawl(f"Unable to list s3://{self.bucket}/{prefix}: {error.message}") from None
            for entry in page.get("Contents") or ():
                if entry["Size"] and _is_at_or_below(entry["Key"], prefix) and not _is_hidden(entry["Key"]):
                    yield entry["Key"], entry["Size"]
            if not page.get("IsTruncated"):
                return
            request["ContinuationToken"] = page["NextContinuationToken"]

    async def _read(self, key: str, size: int) -> Finding:
        if self.is_stopped():
            raise Stopped
        head = await self._range(key, 0, infer.HEAD_BYTES)
        tail = b""
        if infer.needs_tail(head):
            tail = head if len(head) >= size else await self._range(key, max(0, size - infer.TAIL_BYTES), size)
            if head.startswith(infer_binary.PARQUET) and 8 <= len(tail) < infer_binary.footer_bytes(tail) <= size:
                tail = await self._range(key, size - infer_binary.footer_bytes(tail), size)
            elif head.startswith(infer_binary.ORC) and len(tail) < size:
                # ORC's reader wants offsets from the file's start; only its end is read, but the whole must be there.
                tail = await self._range(key, 0, size)
        return await self.call.offload(infer.classify, Sample(head, size, tail), self.custom)

    async def _range(self, key: str, start: int, end: int) -> bytes:
        try:
            answer = self.s3.get_object(Bucket=self.bucket, Key=key, Range=f"bytes={start}-{end - 1}")
        except ServiceError as error:
            raise CannotCrawl(f"Unable to read s3://{self.bucket}/{key}: {error.message}") from None
        body = answer["Body"]
        if isinstance(body, bytes):
            return body
        if isinstance(body, FileSlice):
            return await self.call.offload(_read_slice, body)
        return b"".join([piece async for piece in body])


def _read_slice(piece: FileSlice) -> bytes:
    with Path(piece.path).open("rb") as file:
        file.seek(piece.offset)
        return file.read(piece.length)


def _is_at_or_below(key: str, prefix: str) -> bool:
    """`data` is the folder data/ or the object data, but not the folder database/."""
    return not prefix or prefix.endswith("/") or key == prefix or key.startswith(f"{prefix}/")


def _is_hidden(key: str) -> bool:
    return any(part.startswith(("_", ".")) for part in key.split("/") if part)


def _is_excluded(key: str, prefix: str, target: dict[str, Any]) -> bool:
    relative = key[prefix.rfind("/") + 1 :]
    return any(crawl_layout.exclusion(pattern).fullmatch(relative) for pattern in target.get("Exclusions", []))


def _document(finding: Finding) -> dict[str, Any]:
    columns = [(column.name, str(column.type)) for column in finding.columns]
    return {**asdict(finding), "columns": columns}


def _finding(document: dict[str, Any]) -> Finding:
    columns = tuple(hive_types.Field(name, hive_types.parse(kind)) for name, kind in document["columns"])
    pairs = {name: tuple(map(tuple, document[name])) for name in ("serde_parameters", "parameters")}
    return Finding(**{**document, **pairs, "columns": columns})
