"""Asset checks: what must hold between the layers. Those that stop damage from spreading are blocking."""
