"""Libraries of plugins: resolved by pip, kept as wheels of known hashes, and never in front of the program's own."""
