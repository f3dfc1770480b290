"""Telling people of alerts: at least once, and never in the way of collecting.

`compose` says what goes over the wire (pure), `senders` send one message, and a `Courier` takes
parcels from an outbox and keeps at it. The only package besides `sources` that knows httpx.
"""
