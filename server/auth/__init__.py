"""Who is there: passwords, sessions, tokens, and the one parser of every credential."""
