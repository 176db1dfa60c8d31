"""Stable addresses for applications, served by HAProxy."""
