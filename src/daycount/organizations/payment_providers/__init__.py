"""Connections of an organization to payment providers, who charge its customers."""
