"""Polling, pricing and storing: what runs when nobody looks."""
