"""The lake: profiles of landed files, manifests that commit what cleaning wrote, and sweeping what nobody needs."""
