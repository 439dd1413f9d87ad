"""The database backend: Django's, with connections that notice for free when their server has gone."""
