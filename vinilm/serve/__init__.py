"""The HTTP service: ``vinilm serve`` (extra ``serve``).

From the outside in: ``command`` (the command line), ``server`` (uvicorn, signals), ``middleware`` (request ids, key, logs),
``app`` (routes), ``requests`` and ``errors`` (what the dialects accept and answer), ``service`` (from texts to vectors),
``admission`` (how much may wait), ``batching`` (what is computed together), ``metrics``, ``limits``.
"""
