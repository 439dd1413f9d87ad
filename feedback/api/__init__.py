"""The door for widgets and apps: may somebody be asked, and what did they answer."""
