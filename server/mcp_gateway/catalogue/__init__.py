"""What the servers offer: tools by name, cached and switched."""
