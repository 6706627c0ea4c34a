"""/api/internal: what trusted programs on this computer may ask, behind INTERNAL_API_SECRET."""
