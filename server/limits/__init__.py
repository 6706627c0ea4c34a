"""Limits as pure state machines: no I/O, the clock is passed in."""
