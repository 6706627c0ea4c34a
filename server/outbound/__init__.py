"""Calls to addresses that somebody else chose: where they really lead is looked at first."""
