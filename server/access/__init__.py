"""Who may do what: actors, rules and decisions."""
