"""What a browser and the desktop shell ask for: pages, static files, docs, tickets."""
