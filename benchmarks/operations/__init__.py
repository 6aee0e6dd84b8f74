"""What running the platform every day costs: loads, sensors, streaming, alerts, erasure."""
