"""GetMetricData: many metrics at once, and expressions over them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501
from pocketlake.kernel.pages import InvalidToken
from pocketlake.kernel.spread import Spread, merged

from . import keeping, labels, measures, periods, quotas, store
from .expressions import insights, search
from .expressions.evaluation import Scope, evaluate
from .expressions.grammar import TOO_DEEP, Malformed, Node, parse
from .expressions.series import Series, Value
from .measures import Statistic
from .periods import Span
from .service import cloudwatch, errors, refuse
from .store import Metric

ID = re.compile(r"[a-z][a-zA-Z0-9_]*")
OFFSET = re.compile(r"([+-])(\d{2})(\d{2})")
MOST = int(quotas.QUERIES.value)
PAGE = int(quotas.PAGE_DATAPOINTS.value)
FOUND = 500  # metrics that one SEARCH gives


@cloudwatch.operation
def get_metric_data(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Up to 500 queries; a page has as many datapoints as MaxDatapoints allows."""
    queries = request["MetricDataQueries"]
    start, end = int(request["StartTime"]), int(request["EndTime"])
    if start == end:
        raise refuse("The parameter StartTime must not equal parameter EndTime.")
    if start > end:
        raise refuse("The parameter EndTime must be greater than StartTime.")
    _check(call, queries)
    offset = _offset(request.get("LabelOptions", {}).get("Timezone"))
    return _page(call, request, Reading(call, queries, start, end), offset)


def _check(call: Call, queries: list[dict[str, Any]]) -> None:
    if len(queries) > MOST:
        raise refuse(f"The collection MetricDataQueries must not have a size greater than {MOST}.")
    for at, query in enumerate(queries, 1):
        member = f"MetricDataQueries.member.{at}"
        if not ID.fullmatch(query["Id"]):
            raise refuse(
                f"The value {query['Id']} for parameter {member}.Id is not matching the expected pattern "
                "^[a-z][a-zA-Z0-9_]*$."
            )
        if "Expression" in query and "MetricStat" in query:
            raise refuse(
                f"The parameters {member}.Expression and {member}.MetricStat are mutually exclusive and you have "
                "specified both."
            )
        if "Expression" not in query:
            _check_statistic(query, member)
        elif not periods.is_allowed(query.get("Period", 60)):
            raise refuse(f"The value {query['Period']} for parameter {member}.Period is not supported.")
        if query.get("AccountId", call.account) != call.account:
            raise NotImplemented501("GetMetricData of another account (AccountId)")
    if sum(insights.is_query(query.get("Expression", "")) for query in queries) > 1:
        raise refuse("Only one Metrics Insights query is allowed in a GetMetricData request.")
    if len({query["Id"] for query in queries}) < len(queries):
        raise refuse("The values for parameter id in MetricDataQueries are not unique.")


def _check_statistic(query: dict[str, Any], member: str) -> None:
    asked = query.get("MetricStat")
    if asked is None:
        raise refuse(f"The parameter {member}.MetricStat is required.")
    for name in ("Namespace", "MetricName"):
        if name not in asked["Metric"]:
            raise refuse(f"The parameter {member}.MetricStat.Metric.{name} is required.")
    if measures.statistic(asked["Stat"]) is None:
        raise refuse(f"The value {asked['Stat']} for parameter {member}.MetricStat.Stat is not supported.")
    if not periods.is_allowed(asked["Period"]):
        raise refuse(f"The value {asked['Period']} for parameter {member}.MetricStat.Period is not supported.")


def _offset(zone: str | None) -> int:
    """Seconds of `+0130`."""
    if zone is None:
        return 0
    found = OFFSET.fullmatch(zone)
    if found is None:
        raise refuse(f"The value {zone} for parameter LabelOptions.Timezone is invalid.")
    seconds = int(found[2]) * 3600 + int(found[3]) * 60
    return seconds if found[1] == "+" else -seconds


def _parsed(query: dict[str, Any]) -> Node | insights.Query:
    text = query["Expression"]
    try:
        return insights.parse(text) if insights.is_query(text) else parse(text)
    except Malformed as mistake:
        raise _mistaken(query, str(mistake)) from None


def _mistaken(query: dict[str, Any], mistake: str) -> Exception:
    return refuse(f"Error in expression '{query['Id']}': {mistake}")


class Reading:
    """The values of one request's queries, each worked out once."""

    def __init__(self, call: Call, queries: list[dict[str, Any]], start: float, end: float) -> None:
        self._call = call
        self._queries = {query["Id"]: query for query in queries}
        self._trees = {query["Id"]: _parsed(query) for query in queries if "Expression" in query}
        self._start, self._end = start, end
        self._values: dict[str, Value] = {}
        self._under_way: set[str] = set()
        self._left = quotas.WORKED_THROUGH.value
        self.units: dict[str, list[str]] = {}  # by ID, where a metric has values of several

    def results(self, query: dict[str, Any]) -> list[Series]:
        try:
            value = self._value(query["Id"])
            if isinstance(value, (float, str)):
                raise Malformed("The expression must give a time series or an array of them")
        except Malformed as mistake:
            raise _mistaken(query, str(mistake)) from None
        except (OverflowError, ValueError):
            raise _mistaken(query, "A number is out of range") from None
        except RecursionError:
            raise _mistaken(query, TOO_DEEP) from None
        found = value if isinstance(value, list) else [value]
        return [series.map(lambda _, number: number) for series in found]  # without what is no number

    def _value(self, id: str) -> Value:
        if id in self._values:
            return self._values[id]
        query = self._queries.get(id)
        if query is None:
            raise Malformed(f"There is no query with the Id {id}")
        if id in self._under_way:
            raise Malformed(f"The query {id} goes by itself")
        self._under_way.add(id)
        value = self._expression(query) if "Expression" in query else self._metric(query)
        self._under_way.discard(id)
        self._values[id] = value
        return value

    def _expression(self, query: dict[str, Any]) -> Value:
        tree = self._trees[query["Id"]]
        period = query.get("Period") or min(
            (one["MetricStat"]["Period"] for one in self._queries.values() if "MetricStat" in one), default=60
        )
        if isinstance(tree, insights.Query):
            return self._select(tree, query["Id"], period)
        scope = Scope(self._value, self._metrics, self._search, self._grid, period, self._spend)
        value = evaluate(tree, scope)
        if isinstance(value, Series):
            return Series(value.points, value.period, query["Id"], value.properties)
        return value

    def _spend(self, points: int) -> None:
        self._left -= points
        if self._left < 0:
            raise Malformed(f"More than {quotas.WORKED_THROUGH.value:.0f} datapoints would have to be worked through")

    def _metrics(self) -> list[tuple[str, Series]]:
        found = [(id, self._value(id)) for id, query in self._queries.items() if "MetricStat" in query]
        return [(id, value) for id, value in found if isinstance(value, Series)]

    def _span(self, period: int) -> Span:
        return periods.span(self._call.now, self._start, self._end, period)

    def _grid(self, period: int) -> range:
        span = self._span(period)
        if span.count > PAGE:
            raise Malformed(f"More than {PAGE} datapoints would have to be filled in")
        return range(span.start, span.start + span.count * period, period)

    def _metric(self, query: dict[str, Any]) -> Series:
        asked = query["MetricStat"]
        metric = asked["Metric"]
        held = [(one["Name"], one["Value"]) for one in metric.get("Dimensions") or ()]
        call = self._call
        call.lake.metrics.ask(keeping.meters_of(metric["Namespace"], held))
        number = store.find(
            call.db, call.account, call.region, metric["Namespace"], metric["MetricName"], store.key(held)
        )
        statistic = measures.statistic(asked["Stat"])
        assert statistic is not None
        points, units = self._points(number, asked["Period"], statistic, asked.get("Unit"))
        if len(units) > 1:
            self.units[query["Id"]] = units
        label = labels.generated(list(self._queries.values()), query)
        return Series(
            points, asked["Period"], label, _properties(metric["Namespace"], metric["MetricName"], held, asked)
        )

    def _points(
        self, number: int | None, period: int, statistic: Statistic, unit: str | None
    ) -> tuple[dict[int, float], list[str]]:
        """Of several units AWS takes the first by name, and says so. Source: LocalStack's recorded answers."""
        if number is None:
            return {}, []
        found = periods.read(self._call, number, self._span(period), unit)
        if not found:
            return {}, []
        units = sorted(found)
        series = sorted(found[units[0]].items())
        return {at: value for at, spread in series if (value := statistic(spread)) is not None}, units

    def _select(self, query: insights.Query, id: str, period: int) -> Value:
        """A series, or one for each group, named by its values."""
        call, span = self._call, self._span(period)
        call.lake.metrics.ask(keeping.meters_of(query.namespace))
        since = min(call.now - quotas.LISTED.value, self._start)
        groups: dict[tuple[str, ...], periods.Series] = {}
        for metric in store.metrics(call.db, call.account, call.region, query.namespace, query.metric, 0, since):
            group = query.group_of(metric)
            if group is None:
                continue
            together = groups.setdefault(group, {})
            for series in periods.read(call, metric.number, span).values():
                for at, spread in series.items():
                    together.setdefault(at, Spread()).merge(spread)
        held = [(group, together) for group, together in sorted(groups.items()) if together]
        if query.order is not None:
            of = insights.FUNCTIONS[query.order]
            held.sort(key=lambda one: of(merged(*one[1].values())), reverse=query.descends)
        compute = insights.FUNCTIONS[query.function]
        found = [
            Series({at: compute(spread) for at, spread in sorted(together.items())}, period, " ".join(group) or id)
            for group, together in held[: query.limit]
        ]
        if query.groups:
            return found
        return found[0] if found else Series({}, period, id)

    def _search(self, text: str, named: str, period: int) -> list[Series]:
        statistic = measures.statistic(named)
        if statistic is None or not periods.is_allowed(period):
            raise Malformed("SEARCH takes a statistic and a period of seconds")
        wanted, call = search.compiled(text), self._call
        call.lake.metrics.ask(
            lambda meter: any(
                wanted(Metric(0, meter.family.namespace, name, list(meter.dimensions.items())))
                for name in meter.family.units
            )
        )
        since = min(call.now - quotas.LISTED.value, self._start)
        found = []
        for metric in store.metrics(call.db, call.account, call.region, None, None, 0, since):
            if wanted(metric):
                points, _ = self._points(metric.number, period, statistic, None)
                held = _properties(metric.namespace, metric.name, metric.dimensions, {"Stat": named, "Period": period})
                label = " ".join([*(value for _, value in metric.dimensions), metric.name])
                found.append(Series(points, period, label, held))
                if len(found) == FOUND:
                    break
        return sorted(found, key=lambda series: series.label)


def _properties(namespace: str, name: str, dimensions: store.Dimensions, asked: dict[str, Any]) -> dict[str, str]:
    """What `${PROP('...')}` in a label may name."""
    known = {"Namespace": namespace, "MetricName": name, "Stat": asked["Stat"], "Period": str(asked["Period"])}
    return known | {f"Dim.{one}": value for one, value in dimensions}


def _result(query: dict[str, Any], series: Series, ascending: bool, offset: int, reading: Reading) -> dict[str, Any]:
    points = list(series.points.items())
    if not ascending:
        points.reverse()
    units = reading.units.get(query["Id"])
    result = {
        "Id": query["Id"],
        "Label": labels.put_in(query.get("Label") or series.label, series, offset),
        "Timestamps": [at for at, _ in points],
        "Values": [value for _, value in points],
        "StatusCode": "Complete",
    }
    if units:
        said = f"Multiple units returned: '[{', '.join(units)}]'"
        result["Messages"] = [{"Code": "MultipleUnits", "Value": said}]
    return result


def _page(call: Call, request: dict[str, Any], reading: Reading, offset: int) -> dict[str, Any]:
    """As many datapoints as a page holds; a result that is not whole says PartialData and goes on in the next page.

    Queries behind the page are not worked out.
    """
    ascending = request.get("ScanBy") == "TimestampAscending"
    room = min(request.get("MaxDatapoints") or PAGE, PAGE)
    *beginning, skipped = _beginning(call, request)
    token, shown = None, []
    for number, at, query, series in _series_from(request, reading, *beginning):
        if not room:
            token = call.pages.seal({"get_metric_data": [number, at, 0]})
            break
        result = _result(query, series, ascending, offset, reading)
        times, values = result["Timestamps"][skipped:], result["Values"][skipped:]
        if len(times) > room:
            partial = {"Timestamps": times[:room], "Values": values[:room], "StatusCode": "PartialData"}
            shown.append({**result, **partial})
            token = call.pages.seal({"get_metric_data": [number, at, skipped + room]})
            break
        shown.append({**result, "Timestamps": times, "Values": values})
        room -= len(times)
        skipped = 0
    return {"MetricDataResults": shown, "NextToken": token, "Messages": []}


def _beginning(call: Call, request: dict[str, Any]) -> tuple[int, int, int]:
    """Of a page: which query, which of its series, which datapoint of that."""
    if "NextToken" not in request:
        return 0, 0, 0
    try:
        number, at, skipped = call.pages.open(request["NextToken"])["get_metric_data"]
    except (InvalidToken, KeyError, TypeError, ValueError):
        raise errors.InvalidNextToken("The next token specified is invalid.") from None
    return number, at, skipped


def _series_from(
    request: dict[str, Any], reading: Reading, first: int, skipped: int
) -> Iterator[tuple[int, int, dict[str, Any], Series]]:
    """From series `skipped` of query `first` on: the numbers of each query and series, and both of them."""
    for number, query in enumerate(request["MetricDataQueries"]):
        if number >= first and query.get("ReturnData", True):
            for at, series in enumerate(reading.results(query)):
                if number > first or at >= skipped:
                    yield number, at, query, series
