"""What a crawler learns from a sample of a file: format, schema, and the table that would read it.

    classify(sample, custom_classifiers) -> Finding     one file
    together([finding, ...]) -> Finding                 the files of one table

Names, SerDes and parameters are those that Glue's crawler writes.
Source: Glue developer guide, "Defining and managing classifiers", "Parameters set on Data Catalog tables by crawler".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pocketlake.engines.formats import compression, infer_binary, infer_csv, infer_grok, infer_json, schemas
from pocketlake.engines.formats.infer_csv import CsvClassifier

HEAD_BYTES = 1 << 20  # of each file, before decompression
TEXT_BYTES = 4 << 20  # of it, after
TAIL_BYTES = 64 << 10

HADOOP_TEXT = "org.apache.hadoop.mapred.TextInputFormat"
HIVE_TEXT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
LAZY_SIMPLE = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
OPEN_CSV = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
OPENX_JSON = "org.openx.data.jsonserde.JsonSerDe"
GROK = "com.amazonaws.glue.serde.GrokSerDe"

BINARY_FORMATS = {
    "parquet": (
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
        "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
    ),
    "orc": (
        "org.apache.hadoop.hive.ql.io.orc.OrcInputFormat",
        "org.apache.hadoop.hive.ql.io.orc.OrcOutputFormat",
        "org.apache.hadoop.hive.ql.io.orc.OrcSerde",
    ),
    "avro": (
        "org.apache.hadoop.hive.ql.io.avro.AvroContainerInputFormat",
        "org.apache.hadoop.hive.ql.io.avro.AvroContainerOutputFormat",
        "org.apache.hadoop.hive.serde2.avro.AvroSerDe",
    ),
}


@dataclass(frozen=True, slots=True)
class Sample:
    """A file's first bytes (all of it when it is that short), its last bytes when asked for, and its size."""

    head: bytes
    size: int
    tail: bytes = b""

    @property
    def is_whole(self) -> bool:
        return len(self.head) >= self.size


@dataclass(frozen=True, slots=True)
class GrokClassifier:
    """A custom classifier: what it calls data whose lines are as the pattern says."""

    classification: str
    pattern: str
    custom_patterns: str = ""


Custom = CsvClassifier | GrokClassifier


@dataclass(frozen=True, slots=True)
class Finding:
    """`parameters` say how the data is written (delimiter...); `records` may be an estimate. A file of a kind that no
    classifier knows is UNKNOWN and has no columns."""

    classification: str
    columns: schemas.Columns = ()
    compression: str = "none"
    records: int = 0
    size: int = 0
    objects: int = 1
    input_format: str = ""
    output_format: str = ""
    serde: str = ""
    serde_parameters: tuple[tuple[str, str], ...] = ()
    parameters: tuple[tuple[str, str], ...] = ()

    def is_like(self, other: Finding) -> bool:
        """Whether one table can read both."""
        return (
            (self.classification, self.serde) == (other.classification, other.serde)
            and dict(self.parameters).get("delimiter") == dict(other.parameters).get("delimiter")
            and schemas.are_similar(self.columns, other.columns)
        )

    def table_parameters(self) -> dict[str, str]:
        return {
            **dict(self.parameters),
            "classification": self.classification,
            "compressionType": self.compression,
            "typeOfData": "file",
            "objectCount": str(self.objects),
            "recordCount": str(self.records),
            "sizeKey": str(self.size),
            "averageRecordSize": str(self.size // self.records if self.records else 0),
        }


def needs_tail(head: bytes) -> bool:
    """Whether the schema stands at the file's end."""
    return head.startswith((infer_binary.PARQUET, infer_binary.ORC))


def classify(sample: Sample, custom: Sequence[Custom] = ()) -> Finding:
    """Custom classifiers first, in their order, then the built-in ones. A corrupt file is UNKNOWN.

    Raises infer_grok.GrokError for a classifier whose pattern is none.
    """
    try:
        return _classify(sample, custom)
    except (ValueError, UnicodeDecodeError):
        return Finding("UNKNOWN", size=sample.size)


def _classify(sample: Sample, custom: Sequence[Custom]) -> Finding:
    if sample.head.startswith(infer_binary.PARQUET):
        return _binary("parquet", infer_binary.parquet(sample.tail), sample)
    if sample.head.startswith(infer_binary.AVRO):
        return _binary("avro", infer_binary.avro(sample.head), sample)
    if sample.head.startswith(infer_binary.ORC):
        return _binary("orc", infer_binary.orc(sample.tail), sample)
    kind = compression.detect(sample.head)
    body = compression.decompress_head(sample.head, kind, TEXT_BYTES)
    is_whole = sample.is_whole and len(body) < TEXT_BYTES
    text = body.decode("utf-8", "strict" if is_whole else "ignore").removeprefix("\ufeff")
    if "\0" in text:
        raise ValueError("binary data")
    share = len(sample.head) / max(1, sample.size)
    base = Finding("UNKNOWN", compression=kind, size=sample.size)
    for classifier in custom:
        if isinstance(classifier, GrokClassifier):
            if columns := infer_grok.compile(classifier.pattern, classifier.custom_patterns).find(text, is_whole):
                return _grok(base, columns, text, share, classifier)
        elif found := infer_csv.find(text, is_whole, classifier):
            return _csv(base, found, text, share, classifier)
    if json_found := infer_json.find(text, is_whole):
        return _json(base, json_found, text, share)
    if csv_found := infer_csv.find(text, is_whole):
        return _csv(base, csv_found, text, share, None)
    return base


def _binary(kind: str, found: infer_binary.BinaryFinding, sample: Sample) -> Finding:
    reader, writer, serde = BINARY_FORMATS[kind]
    avro = (("avro.schema.literal", found.avro_schema),) if found.avro_schema else ()
    return Finding(
        kind,
        found.columns,
        compression=found.compression,
        records=found.records or 0,
        size=sample.size,
        input_format=reader,
        output_format=writer,
        serde=serde,
        serde_parameters=(("serialization.format", "1"), *avro),
        parameters=avro,
    )


def _json(base: Finding, found: infer_json.JsonFinding, text: str, share: float) -> Finding:
    lines = text.count("\n") + (not text.endswith("\n"))
    return replace(
        base,
        classification="json",
        columns=found.columns,
        records=round(max(found.documents, lines if found.documents > 1 else 1) / share),
        input_format=HADOOP_TEXT,
        output_format=HIVE_TEXT,
        serde=OPENX_JSON,
        serde_parameters=(("paths", ",".join(sorted(column.name for column in found.columns))),),
    )


def _csv(base: Finding, found: infer_csv.CsvFinding, text: str, share: float, custom: CsvClassifier | None) -> Finding:
    rows = sum(bool(line) for line in text.splitlines()) - found.has_header
    header = (("skip.header.line.count", "1"),) if found.has_header else ()
    opens = custom is not None and (
        custom.serde == "OpenCSVSerDe" or (custom.serde == "None" and bool(custom.quote) and found.is_quoted)
    )
    open_parameters = (("separatorChar", found.delimiter), ("quoteChar", (custom.quote if custom else "") or '"'))
    return replace(
        base,
        classification="csv",
        columns=found.columns,
        records=round(rows / share),
        input_format=HADOOP_TEXT,
        output_format=HIVE_TEXT,
        serde=OPEN_CSV if opens else LAZY_SIMPLE,
        serde_parameters=open_parameters if opens else (("field.delim", found.delimiter),),
        parameters=(
            ("delimiter", found.delimiter),
            ("columnsOrdered", "true"),
            ("areColumnsQuoted", "true" if found.is_quoted else "false"),
            *header,
        ),
    )


def _grok(base: Finding, columns: schemas.Columns, text: str, share: float, custom: GrokClassifier) -> Finding:
    patterns = (("input.grokCustomPatterns", custom.custom_patterns),) if custom.custom_patterns else ()
    shown = (("grokCustomPatterns", custom.custom_patterns),) if custom.custom_patterns else ()
    return replace(
        base,
        classification=custom.classification,
        columns=columns,
        records=round(sum(bool(line) for line in text.splitlines()) / share),
        input_format=HADOOP_TEXT,
        output_format=HIVE_TEXT,
        serde=GROK,
        serde_parameters=(("input.format", custom.pattern), *patterns),
        parameters=(("grokPattern", custom.pattern), *shown),
    )


def together(findings: Sequence[Finding]) -> Finding:
    """One finding over files that are alike: columns merged, counts added up."""
    first = findings[0]
    merged = replace(
        first,
        columns=schemas.merge_columns(finding.columns for finding in findings),
        records=sum(finding.records for finding in findings),
        size=sum(finding.size for finding in findings),
        objects=sum(finding.objects for finding in findings),
    )
    if first.classification == "json":
        paths = ",".join(sorted(column.name for column in merged.columns))
        merged = replace(merged, serde_parameters=(("paths", paths),))
    return merged
