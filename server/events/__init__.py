"""What happened, told after the commit and only then."""
