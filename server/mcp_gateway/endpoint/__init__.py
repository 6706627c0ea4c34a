"""The doors of /mcp: both protocol eras towards clients."""
