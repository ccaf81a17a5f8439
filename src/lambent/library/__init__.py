"""From an app to its destination: what the commands and `import lambent` share."""
