"""The door for a product's own server to the rights of the people who are logged in there."""
