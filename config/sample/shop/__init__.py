"""A small shop on an origin of its own that embeds the widget as any customer would; part of the demonstration only."""
