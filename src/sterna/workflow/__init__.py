"""The story of the upgrade and the engine that makes it durable."""
