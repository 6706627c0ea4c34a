"""AI clients of this computer: where their configuration lies, and our entry in it."""
