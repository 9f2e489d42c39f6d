"""What Prometheus gets to see: in a registry of its own, so that several services can live in one process (as in tests)."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_TEXTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
_TOKENS = (8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536)


class Metrics:
    """Counters, gauges and histograms of one service."""

    def __init__(self) -> None:
        """Register everything, with the process's own memory and processor time."""
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.requests = Counter("vinilm_requests", "Requests answered", ["route", "status"], registry=registry)
        self.request_seconds = Histogram(
            "vinilm_request_seconds", "From the first byte to the answer", ["route"], buckets=_SECONDS, registry=registry
        )
        self.in_progress = Gauge("vinilm_requests_in_progress", "Requests under way", registry=registry)
        self.rejected = Counter("vinilm_rejected", "Requests turned away, by reason", ["reason"], registry=registry)
        self.disconnected = Counter("vinilm_disconnected", "Clients that left before their answer", registry=registry)
        self.texts = Counter("vinilm_texts", "Texts encoded", registry=registry)
        self.tokens = Counter("vinilm_tokens", "Tokens encoded, special ones included", registry=registry)
        self.truncated = Counter("vinilm_truncated_texts", "Texts cut at the model's limit", registry=registry)
        self.edits = Counter("vinilm_edits", "Edits made while cleaning", ["stage"], registry=registry)
        self.prepare_seconds = Histogram(
            "vinilm_prepare_seconds", "Cleaning and tokenising a slice of a request", buckets=_SECONDS, registry=registry
        )
        self.queue_texts = Gauge("vinilm_queue_texts", "Texts that wait for the encoder", registry=registry)
        self.queue_tokens = Gauge("vinilm_queue_tokens", "Tokens that wait for the encoder", registry=registry)
        self.batch_texts = Histogram("vinilm_batch_texts", "Texts of a batch", buckets=_TEXTS, registry=registry)
        self.batch_tokens = Histogram("vinilm_batch_tokens", "Tokens of a batch", buckets=_TOKENS, registry=registry)
        self.batch_seconds = Histogram("vinilm_batch_seconds", "Computing a batch", buckets=_SECONDS, registry=registry)
