"""The pure domain: status, transitions, commands, policy. No I/O."""
