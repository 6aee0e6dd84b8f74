"""A Django project with predictions."""
