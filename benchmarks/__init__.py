"""Measurements that decisions rest on; each can be repeated with one command."""
