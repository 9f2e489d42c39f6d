"""What a request may ask for, and how much may wait."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """Limits of the service; what goes beyond them is refused with a reason, never cut silently."""

    #: UTF-8 bytes of one text.
    text_bytes: int = MIB // 4
    #: Texts of one request, as many as OpenAI allows.
    texts: int = 2048
    #: Bytes of the body of one request.
    body_bytes: int = 16 * MIB
    #: Requests under way, in whatever state.
    requests: int = 512
    #: Bytes of the bodies of all requests that are under way.
    all_body_bytes: int = 128 * MIB
    #: Tokens that may wait for the encoder before requests are turned away; None: 32 batches of the backend.
    queue_tokens: int | None = None
    #: Characters that may wait for ``/clean`` before requests are turned away.
    queue_characters: int = 16 * MIB
    #: Seconds that a client may take to send its body.
    body_seconds: float = 30.0
    #: Seconds for finishing what waits, once the service is asked to stop.
    grace_seconds: float = 30.0
