"""The numbers of the whole program in the text format of Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from server import __version__
from server.asgi.traffic import Traffic
from server.db.store import Store
from server.latency import Latency
from server.mcp_gateway.activity.activity import Activity
from server.mcp_gateway.gateway import Gateway

if TYPE_CHECKING:
    from prometheus_client.core import HistogramMetricFamily, Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Numbers:
    """Everything that is measured; a collector as `prometheus_client` wants one."""

    def __init__(self, gateway: Gateway, activity: Activity, traffic: Traffic, store: Store) -> None:
        self._gateway = gateway
        self._activity = activity
        self._traffic = traffic
        self._store = store

    def text(self) -> bytes:
        """All of it. Label values are names of servers, surfaces, methods and statuses: never of people or tools."""
        from prometheus_client import CollectorRegistry, generate_latest  # costs 40 ms and is seldom asked for

        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        """The metrics of this moment."""
        yield from self._of_gateway()
        yield from self._of_requests()
        yield from self._of_store()
        yield from self._of_process()

    def _of_gateway(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        calls = CounterMetricFamily(
            "gridbear_tool_calls", "Tool calls by server (none: no server has the tool) and outcome.",
            labels=("server", "outcome"),
        )  # fmt: skip
        seconds = _histogram("gridbear_tool_call_seconds", "How long tool calls took.", ("server",))
        open_calls = GaugeMetricFamily("gridbear_tool_calls_in_flight", "Tool calls that go on.", labels=("server",))
        for name, meter in self._activity.meters.by_server.items():
            for outcome, count in meter.outcomes.items():
                calls.add_metric((name, outcome), count)
            _add(seconds, (name,), meter.latency)
            open_calls.add_metric((name,), meter.in_flight)
        yield from (calls, seconds, open_calls)
        states = GaugeMetricFamily(
            "gridbear_mcp_server_state", "1 for the state that a server is in.", labels=("server", "state")
        )
        breakers = GaugeMetricFamily(
            "gridbear_mcp_breaker_open", "1 while a server is left alone after failures.", labels=("server",)
        )
        for server, state, breaker in self._gateway.standing():
            states.add_metric((server, state), 1)
            breakers.add_metric((server,), 0 if breaker == "closed" else 1)
        yield from (states, breakers)
        log = self._activity.log
        yield GaugeMetricFamily("gridbear_tool_call_log_waiting", "Tool calls that are not written yet.", log.waiting)
        dropped = CounterMetricFamily("gridbear_tool_call_log_dropped", "Tool calls not kept.", labels=("reason",))
        for reason in ("buffer_full", "disk_full", "failed"):
            dropped.add_metric((reason,), log.dropped[reason])
        yield dropped

    def _of_requests(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily

        answers = CounterMetricFamily(
            "gridbear_http_requests", "Requests that were answered.", labels=("surface", "method", "status")
        )
        for (surface, method, status), count in self._traffic.answers.items():
            answers.add_metric((surface, method, str(status)), count)
        seconds = _histogram("gridbear_http_seconds", "Until an answer began.", ("surface",))
        for surface, latency in self._traffic.latency.items():
            _add(seconds, (surface,), latency)
        yield from (answers, seconds)

    def _of_store(self) -> Iterator[Metric]:
        from prometheus_client.core import GaugeMetricFamily

        space = self._store.space()
        yield GaugeMetricFamily("gridbear_write_queue", "Writes that wait for the writer.", self._store.waiting)
        yield GaugeMetricFamily("gridbear_database_bytes", "Size of the database file.", space.database_bytes)
        yield GaugeMetricFamily("gridbear_wal_bytes", "Size of the write-ahead log.", space.wal_bytes)
        yield GaugeMetricFamily("gridbear_free_page_bytes", "Pages that hold nothing.", space.free_page_bytes)
        logs = GaugeMetricFamily("gridbear_log_bytes", "Bytes of a log-like model.", labels=("model",))
        for model, size in self._store.log_bytes().items():
            logs.add_metric((model,), size)
        yield logs

    def _of_process(self) -> Iterator[Metric]:
        import psutil
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily

        process = psutil.Process()
        with process.oneshot():
            times, memory = process.cpu_times(), process.memory_info()
            yield CounterMetricFamily("process_cpu_seconds", "Processor time.", times.user + times.system)
            yield GaugeMetricFamily("process_resident_memory_bytes", "Memory in use.", memory.rss)
            yield GaugeMetricFamily("process_threads", "Threads.", process.num_threads())
            yield GaugeMetricFamily("process_start_time_seconds", "Start, in Unix time.", process.create_time())
            if hasattr(process, "num_fds"):
                yield GaugeMetricFamily("process_open_fds", "Open file descriptors.", process.num_fds())
        yield InfoMetricFamily("gridbear", "The program.", {"version": __version__})


def _histogram(name: str, help: str, labels: tuple[str, ...]) -> HistogramMetricFamily:
    from prometheus_client.core import HistogramMetricFamily

    return HistogramMetricFamily(name, help, labels=labels)


def _add(family: HistogramMetricFamily, labels: tuple[str, ...], latency: Latency) -> None:
    told = [(f"{bound:g}", float(count)) for bound, count in latency.told()]
    family.add_metric(labels, [*told, ("+Inf", float(latency.count))], latency.total)
