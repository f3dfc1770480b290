"""The screen. It reads; it computes no totals and runs no SQL."""
