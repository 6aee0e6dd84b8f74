"""What a raw file looks like and how it becomes a canonical sale: the contract model, header matching, shipped YAML."""
