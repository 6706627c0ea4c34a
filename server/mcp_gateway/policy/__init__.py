"""Who may call which tool, who is asked first, and why."""
