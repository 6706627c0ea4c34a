"""Secrets at rest: the data keys, where they lie, and the phrase that brings them back."""
