"""The project: settings, addresses, schedule, roles and the embedded database."""
