"""The quarantine: rejected rows looked at, exported to be fixed, and judged again after a contract was corrected."""
